using System.Buffers;
using System.Text;
using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.Unigram;

/// <summary>
/// The most probable way to cut a text into tokens (Kudo 2018, "Subword Regularization", section 3.1, by the Viterbi algorithm). A
/// character that is no token can be cut off as unknown at the cost of the rarest token and a penalty. Linear in the text.
/// </summary>
internal sealed class UnigramModel
{
    /// <summary>How much less an unknown character scores than the worst token; SentencePiece's constant.</summary>
    public const double UnknownPenalty = 10;

    private const int Unknown = -1;

    // The tree takes 17 bytes for each; the largest vocabularies in use have a tenth of this.
    private const long MostBytes = 16 << 20;

    private readonly PieceTrie _trie;
    private readonly double[] _scores;
    private readonly double _unknownScore;

    /// <summary>A model over tokens with their log-probabilities. User-defined ones are always taken where they fit.</summary>
    /// <exception cref="InvalidInputException">The tokens have more than 16 MiB of text.</exception>
    public UnigramModel(TokenVocabulary vocabulary)
    {
        var ids = new List<int>(vocabulary.Count);
        _scores = new double[vocabulary.Count];
        double worst = 0, best = 0;
        long bytes = 0;
        for (int id = 0; id < vocabulary.Count; id++)
        {
            TokenKind kind = vocabulary.Kind(id);
            if (vocabulary.Bytes(id).IsEmpty || kind is not (TokenKind.Normal or TokenKind.UserDefined)) continue;
            bytes += vocabulary.Bytes(id).Length;
            double score = _scores[id] = vocabulary.Score(id);
            if (kind == TokenKind.Normal) (worst, best) = ids.Count == 0 ? (score, score) : (Math.Min(worst, score), Math.Max(best, score));
            ids.Add(id);
        }

        if (bytes > MostBytes) throw new InvalidInputException($"the tokens of the unigram vocabulary have {bytes} bytes; at most {MostBytes} are allowed");
        // What SentencePiece's unigram_model.cc gives to a user-defined piece.
        foreach (int id in ids) if (vocabulary.Kind(id) == TokenKind.UserDefined) _scores[id] = vocabulary.Bytes(id).Length * best - 0.1;
        _unknownScore = worst - UnknownPenalty;
        _trie = new PieceTrie([.. ids.Select(id => vocabulary.Bytes(id).ToArray())], [.. ids]);
    }

    /// <summary>Appends the tokens of a normalized text; a negative one, −1 − b, is a byte b of an unknown character.</summary>
    /// <returns>The score of the path, a log-probability.</returns>
    public double Encode(ReadOnlySpan<byte> text, TokenBuffer output)
    {
        if (text.IsEmpty) return 0;
        int[] from = ArrayPool<int>.Shared.Rent(text.Length + 1), piece = ArrayPool<int>.Shared.Rent(text.Length + 1);
        double[] best = ArrayPool<double>.Shared.Rent(text.Length + 1);
        try
        {
            Search(text, best, from, piece);
            Emit(text, from, piece, output);
            return best[text.Length];
        }
        finally
        {
            ArrayPool<int>.Shared.Return(from);
            ArrayPool<int>.Shared.Return(piece);
            ArrayPool<double>.Shared.Return(best);
        }
    }

    private void Search(ReadOnlySpan<byte> text, Span<double> best, Span<int> from, Span<int> piece)
    {
        best[..(text.Length + 1)].Fill(double.NegativeInfinity);
        best[0] = 0;
        for (int start = 0; start < text.Length;)
        {
            _ = Rune.DecodeFromUtf8(text[start..], out _, out int character);
            double before = best[start];
            bool whole = false;
            int node = PieceTrie.Root;
            for (int end = start; end < text.Length && (node = _trie.Step(node, text[end])) != PieceTrie.None;)
            {
                end++;
                int id = _trie.Value(node);
                if (id == PieceTrie.None) continue;
                whole |= end - start == character;
                Relax(before + _scores[id], start, end, id, best, from, piece);
            }

            if (!whole) Relax(before + _unknownScore, start, start + character, Unknown, best, from, piece);
            start += character;
        }
    }

    // Of equal scores the first counts, which is the longer piece.
    private static void Relax(double score, int start, int end, int id, Span<double> best, Span<int> from, Span<int> piece)
    {
        if (!(score > best[end])) return;
        best[end] = score;
        from[end] = start;
        piece[end] = id;
    }

    // Follows the path back, turning it round in place: afterwards from[i] is the end of the piece that starts at i, piece[i] its id.
    private static void Emit(ReadOnlySpan<byte> text, Span<int> from, Span<int> piece, TokenBuffer output)
    {
        int end = text.Length, start = from[end], id = piece[end];
        for (int at = end; at > 0;)
        {
            (int before, int idBefore) = (from[start], piece[start]);
            (from[start], piece[start]) = (at, id);
            (at, start, id) = (start, before, idBefore);
        }

        for (int at = 0; at < end; at = from[at])
        {
            if (piece[at] != Unknown) output.Add(piece[at]);
            else foreach (byte value in text[at..from[at]]) output.Add(-1 - value);
        }
    }
}
