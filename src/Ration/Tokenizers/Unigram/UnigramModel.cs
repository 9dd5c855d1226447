using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Unigram;

/// <summary>
/// The most probable way to cut a text into pieces (Kudo 2018, "Subword Regularization", section 3.1, by the Viterbi algorithm). A
/// character that is no piece can be cut off as unknown at the cost of the rarest piece and a penalty. Linear in the text.
/// </summary>
internal sealed class UnigramModel
{
    /// <summary>How much less an unknown character scores than the worst piece; SentencePiece's constant.</summary>
    public const double UnknownPenalty = 10;

    private const int Unknown = -1;

    private readonly PieceTrie _trie;
    private readonly float[] _scores;
    private readonly double _unknownScore;
    private readonly int _unknownId;
    private readonly int[]? _byteIds;

    /// <summary>A model over a vocabulary whose ids and scores were checked.</summary>
    public UnigramModel(UnigramVocabulary vocabulary)
    {
        int[] ids = [.. Enumerable.Range(0, vocabulary.Pieces.Length)];
        _trie = new PieceTrie(vocabulary.Pieces, ids);
        _scores = vocabulary.Scores;
        _unknownId = vocabulary.UnknownId;
        _byteIds = vocabulary.ByteIds;
        double worst = 0;
        bool any = false;
        for (int id = 0; id < ids.Length; id++)
        {
            if (vocabulary.Pieces[id].Length == 0) continue;
            worst = any ? Math.Min(worst, _scores[id]) : _scores[id];
            any = true;
        }

        _unknownScore = worst - UnknownPenalty;
    }

    /// <summary>Appends the ids of a normalized text. A run of unknown characters is one unknown id, or the ids of its bytes.</summary>
    /// <returns>The score of the path, a log-probability.</returns>
    public double Encode(ReadOnlySpan<byte> text, IBufferWriter<int> output)
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
    private void Emit(ReadOnlySpan<byte> text, Span<int> from, Span<int> piece, IBufferWriter<int> output)
    {
        int end = text.Length, start = from[end], id = piece[end];
        for (int at = end; at > 0;)
        {
            (int before, int idBefore) = (from[start], piece[start]);
            (from[start], piece[start]) = (at, id);
            (at, start, id) = (start, before, idBefore);
        }

        bool afterUnknown = false;
        for (int at = 0; at < end; at = from[at])
        {
            bool unknown = piece[at] == Unknown;
            if (!unknown) Write(piece[at], output);
            else if (_byteIds is not null) foreach (byte value in text[at..from[at]]) Write(_byteIds[value], output);
            else if (!afterUnknown && _unknownId >= 0) Write(_unknownId, output);
            afterUnknown = unknown;
        }
    }

    private static void Write(int id, IBufferWriter<int> output)
    {
        output.GetSpan(1)[0] = id;
        output.Advance(1);
    }
}
