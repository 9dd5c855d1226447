using System.Runtime.InteropServices;

namespace Ration.Tokenizers;

/// <summary>Collects the tokens of a <see cref="TokenVocabulary"/> in the order of their ids, within limits.</summary>
public sealed class TokenVocabularyBuilder
{
    private readonly List<byte> _bytes = [];
    private readonly List<int> _offsets = [0];
    private readonly List<TokenKind> _kinds = [];
    private readonly List<float> _scores = [];
    private bool _hasScores;

    /// <summary>Tokens so far: the id of the next one.</summary>
    public int Count => _kinds.Count;

    /// <summary>Adds the next token.</summary>
    /// <param name="bytes">Its text; may be empty, then no text becomes it.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="score">Finite.</param>
    /// <exception cref="InvalidInputException">It is too long, its score is not a number, or there are too many.</exception>
    public void Add(ReadOnlySpan<byte> bytes, TokenKind kind = TokenKind.Normal, float score = 0)
    {
        if (Count >= TokenVocabulary.MaxCount) throw new InvalidInputException($"a vocabulary has more than {TokenVocabulary.MaxCount} tokens; Ration reads no larger one");
        if (bytes.Length > TokenVocabulary.MaxTokenBytes)
            throw new InvalidInputException($"token {Count} is {bytes.Length} bytes long; Ration reads tokens of up to {TokenVocabulary.MaxTokenBytes} bytes");
        if (!float.IsFinite(score)) throw new InvalidInputException($"the score of token {Count} is {score}, which is no finite number; make the file again");
        if (_bytes.Count > Array.MaxLength / 2) throw new InvalidInputException("the texts of a vocabulary are longer than a gigabyte; Ration reads no larger one");
        _bytes.AddRange(bytes);
        _offsets.Add(_bytes.Count);
        _kinds.Add(kind);
        _scores.Add(score);
        _hasScores |= score != 0;
    }

    /// <summary>The vocabulary of the tokens added.</summary>
    public TokenVocabulary Build() => new([.. CollectionsMarshal.AsSpan(_bytes)], [.. _offsets], [.. _kinds], _hasScores ? [.. _scores] : []);
}
