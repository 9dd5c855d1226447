using System.Runtime.InteropServices;
using System.Text;
using Ration.Tokenizers.BytePair;
using Ration.Tokenizers.Merging;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.BytePairTraining;

/// <summary>
/// Learns a byte-level BPE vocabulary from text (Sennrich et al. 2016, algorithm 1, on bytes): counts the pre-tokens, then again and
/// again joins the most frequent pair of neighbours. Equal counts go by the lower ids, so the same text gives the same vocabulary. Memory
/// grows with the different pre-tokens, not with the text.
/// </summary>
public sealed class BytePairTrainer
{
    private const int Alphabet = 256;
    private const int UsualWindow = 1 << 16;

    private readonly PreTokenizer _preTokenizer;
    private readonly PieceList _pieces = new();
    private readonly int _vocabularySize;
    private readonly string[] _specialTokens;
    private readonly Dictionary<byte[], long> _words = new(ByteStringComparer.Instance);
    private readonly Dictionary<byte[], long>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private long _rarest = 1;

    /// <summary>A trainer that has seen no text.</summary>
    /// <param name="vocabularySize">How many ids there may be, special tokens and the 256 bytes included; fewer where no pair is left.</param>
    /// <param name="specialTokens">Names of tokens that are not text; they get the first ids.</param>
    /// <param name="preTokenizer">Cuts text into the parts that no token spans.</param>
    /// <exception cref="InvalidInputException">The vocabulary has no room for the bytes and the special tokens, or a special token is
    /// empty or given twice.</exception>
    public BytePairTrainer(int vocabularySize, IReadOnlyList<string> specialTokens, PreTokenizer preTokenizer)
    {
        ArgumentNullException.ThrowIfNull(specialTokens);
        ArgumentNullException.ThrowIfNull(preTokenizer);
        if (vocabularySize < Alphabet + specialTokens.Count)
            throw new InvalidInputException(
                $"a vocabulary of {vocabularySize} has no room for {Alphabet} bytes and {specialTokens.Count} special tokens; ask for at least {Alphabet + specialTokens.Count}");
        if (specialTokens.Any(string.IsNullOrEmpty)) throw new InvalidInputException("a special token is empty; give it a name");
        if (specialTokens.Distinct(StringComparer.Ordinal).Count() != specialTokens.Count)
            throw new InvalidInputException("a special token is given twice; give each once");
        (_vocabularySize, _specialTokens, _preTokenizer) = (vocabularySize, [.. specialTokens], preTokenizer);
        _lookup = _words.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>How many times a pair must occur to become a token; 2 unless set.</summary>
    public long MinimumCount { get; init; } = 2;

    /// <summary>
    /// How many different pre-tokens are counted at once. Where there are more, the rarest are forgotten, rarer than ever more as text goes
    /// on (lossy counting, Manku and Motwani 2002): frequent ones, which decide the vocabulary, stay.
    /// </summary>
    public int MostWords { get; init; } = int.MaxValue;

    /// <summary>Cuts text into the parts that no token spans.</summary>
    public PreTokenizer PreTokenizer => _preTokenizer;

    /// <summary>How many different pre-tokens have been seen.</summary>
    public int DifferentWords => _words.Count;

    /// <summary>Counts the pre-tokens of a text that is complete.</summary>
    /// <param name="text">UTF-8; other bytes are learnt from as they are.</param>
    public void Add(ReadOnlySpan<byte> text)
    {
        for (int window = UsualWindow; !text.IsEmpty;)
        {
            int size = Math.Min(window, text.Length);
            _pieces.Clear();
            _preTokenizer.Split(text[..size], isFinal: size == text.Length, _pieces);
            int start = 0;
            foreach (int end in _pieces.Ends)
            {
                ref long count = ref CollectionsMarshal.GetValueRefOrAddDefault(_lookup, text[start..end], out _);
                count++;
                start = end;
            }

            if (_words.Count > MostWords) Forget();
            text = text[start..];
            window = start > 0 ? UsualWindow : (int)Math.Min(2L * window, Array.MaxLength);
        }
    }

    // The same text is forgotten in the same order, so the same vocabulary is learnt.
    private void Forget()
    {
        for (; _words.Count > MostWords / 2; _rarest++)
        {
            foreach (byte[] word in _words.Where(w => w.Value <= _rarest).Select(static w => w.Key).ToArray()) _words.Remove(word);
        }
    }

    /// <summary>Learns the vocabulary from all that was added.</summary>
    public TrainedBytePairs Train(CancellationToken cancellation = default)
    {
        int[] byteIds = new int[Alphabet];
        List<byte[]> tokens = [.. _specialTokens.Select(Encoding.UTF8.GetBytes)];
        foreach (byte value in Enumerable.Range(0, Alphabet).Select(static b => (byte)b).OrderBy(ByteAlphabet.Letter))
        {
            byteIds[value] = tokens.Count;
            tokens.Add([value]);
        }

        var ids = new Dictionary<byte[], int>(ByteStringComparer.Instance);
        for (int id = _specialTokens.Length; id < tokens.Count; id++) ids.Add(tokens[id], id);
        var merger = new PairMerger(_words, byteIds);
        List<(int First, int Second)> merges = [];
        HashSet<(int, int)> known = [];
        while (tokens.Count < _vocabularySize && merger.TryFind(MinimumCount, out int first, out int second, out List<int> positions))
        {
            cancellation.ThrowIfCancellationRequested();
            byte[] joined = [.. tokens[first], .. tokens[second]];
            if (!ids.TryGetValue(joined, out int merged))
            {
                merged = tokens.Count;
                tokens.Add(joined);
                ids.Add(joined, merged);
            }

            // A pair comes again where another merge makes one of its halves anew; its rule stands already.
            if (known.Add((first, second))) merges.Add((first, second));
            merger.Merge(first, second, positions, merged);
        }

        return new TrainedBytePairs { SpecialTokens = _specialTokens, Tokens = tokens, Merges = merges };
    }
}
