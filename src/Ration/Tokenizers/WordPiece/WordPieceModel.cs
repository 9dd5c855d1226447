using System.Buffers;
using Ration.Tokenizers.Unigram;

namespace Ration.Tokenizers.WordPiece;

/// <summary>Cuts a word into the longest pieces of a vocabulary, from left to right (Wu et al. 2016; as released with BERT).</summary>
internal sealed class WordPieceModel
{
    private readonly PieceTrie _beginnings;
    private readonly PieceTrie _continuations;
    private readonly int _unknownId;
    private readonly int _longestWord;

    /// <summary>A model over a vocabulary.</summary>
    public WordPieceModel(WordPieceVocabulary vocabulary)
    {
        _beginnings = Trie(vocabulary, continues: false);
        _continuations = Trie(vocabulary, continues: true);
        (_unknownId, _longestWord) = (vocabulary.UnknownId, vocabulary.LongestWord);
    }

    /// <summary>Appends the ids of a word; of one that cannot be cut, or is too long, the unknown id.</summary>
    public void Encode(ReadOnlySpan<byte> word, IBufferWriter<int> output)
    {
        if (word.IsEmpty) return;
        Span<int> ids = stackalloc int[MostPieces];
        int count = TooLong(word) ? 0 : Cut(word, ids);
        if (count == 0) ids[count++] = _unknownId;
        output.Write(ids[..count]);
    }

    private const int MostPieces = 512;

    // Every piece has at least one character, so a word that passes has few pieces.
    private bool TooLong(ReadOnlySpan<byte> word)
    {
        int characters = 0;
        foreach (byte value in word) characters += (value & 0xC0) == 0x80 ? 0 : 1;
        return characters > Math.Min(_longestWord, MostPieces);
    }

    private int Cut(ReadOnlySpan<byte> word, Span<int> ids)
    {
        int count = 0;
        for (PieceTrie trie = _beginnings; !word.IsEmpty; trie = _continuations)
        {
            int longest = 0, found = PieceTrie.None, node = PieceTrie.Root;
            for (int end = 0; end < word.Length && (node = trie.Step(node, word[end])) != PieceTrie.None; end++)
            {
                if (trie.Value(node) is not (>= 0 and var id)) continue;
                (longest, found) = (end + 1, id);
            }

            if (found == PieceTrie.None || count == ids.Length) return 0;
            ids[count++] = found;
            word = word[longest..];
        }

        return count;
    }

    private static PieceTrie Trie(WordPieceVocabulary vocabulary, bool continues)
    {
        int[] ids = [.. Enumerable.Range(0, vocabulary.Pieces.Length).Where(id => vocabulary.Continues[id] == continues && vocabulary.Pieces[id].Length > 0)];
        return new PieceTrie([.. ids.Select(id => vocabulary.Pieces[id])], ids);
    }
}
