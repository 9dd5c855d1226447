using Ration.Tokenizers.Merging;
using Ration.Tokenizers.Unigram;

namespace Ration.Tokenizers.WordPiece;

/// <summary>Cuts a word into the longest tokens of a vocabulary, from left to right (Wu et al. 2016; as released with BERT).</summary>
internal sealed class WordPieceModel
{
    private const byte Space = (byte)' ';

    private readonly PieceTrie _beginnings;
    private readonly PieceTrie _continuations;
    private readonly int _longestWord;

    /// <summary>A model over tokens of which those at the beginning of a word start with a space.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="longestWord">Longer words are unknown; in characters.</param>
    public WordPieceModel(TokenVocabulary vocabulary, int longestWord)
    {
        List<byte[]> beginnings = [], continuations = [];
        List<int> beginningIds = [], continuationIds = [];
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Kind(id) is not (TokenKind.Normal or TokenKind.UserDefined)) continue;
            ReadOnlySpan<byte> bytes = vocabulary.Bytes(id);
            bool begins = bytes.StartsWith(Space);
            (begins ? beginnings : continuations).Add(bytes[(begins ? 1 : 0)..].ToArray());
            (begins ? beginningIds : continuationIds).Add(id);
        }

        _beginnings = new PieceTrie([.. beginnings], [.. beginningIds]);
        _continuations = new PieceTrie([.. continuations], [.. continuationIds]);
        _longestWord = longestWord;
    }

    /// <summary>Appends the tokens of a word; false, and none, if it is too long or cannot be cut.</summary>
    public bool TryEncode(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        int characters = 0;
        foreach (byte value in word) characters += (value & 0xC0) == 0x80 ? 0 : 1;
        if (characters > _longestWord) return false;
        int before = tokens.Tokens.Length;
        for (PieceTrie trie = _beginnings; !word.IsEmpty; trie = _continuations)
        {
            int longest = 0, found = PieceTrie.None, node = PieceTrie.Root;
            for (int end = 0; end < word.Length && (node = trie.Step(node, word[end])) != PieceTrie.None; end++)
            {
                if (trie.Value(node) is not (>= 0 and var id)) continue;
                (longest, found) = (end + 1, id);
            }

            if (found == PieceTrie.None)
            {
                tokens.Truncate(before);
                return false;
            }

            tokens.Add(found);
            word = word[longest..];
        }

        return true;
    }
}
