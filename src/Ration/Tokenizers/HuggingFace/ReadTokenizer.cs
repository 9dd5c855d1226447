using System.Text;
using Ration.Tokenizers.Special;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>What a tokenizer file holds, before other files of the model have their say.</summary>
internal sealed record ReadTokenizer
{
    /// <summary>Makes tokens of text.</summary>
    public required ITokenizer Inner { get; init; }

    /// <summary>The tokens of <see cref="Inner"/>.</summary>
    public required TokenVocabulary Vocabulary { get; init; }

    /// <summary>Tokens that are found before.</summary>
    public required IReadOnlyList<AddedToken> Added { get; init; }

    /// <summary>The token that begins a text; null if the file names none.</summary>
    public int? BeginningId { get; init; }

    /// <summary>The token that ends a text; null if the file names none.</summary>
    public int? EndId { get; init; }

    /// <summary>Whether texts begin with <see cref="BeginningId"/>.</summary>
    public bool AddBeginning { get; init; }

    /// <summary>Whether texts end with <see cref="EndId"/>.</summary>
    public bool AddEnd { get; init; }

    /// <summary>Whether a post-processor says what is added: its tokens are added whatever other files call the beginning and the end.</summary>
    public bool HasPostProcessor { get; init; }

    /// <summary>The id of a token by how it is written; null if there is none.</summary>
    public int? Find(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        foreach (AddedToken token in Added) if (token.Text.AsSpan().SequenceEqual(bytes)) return token.Id;
        int id = Vocabulary.FindAny(bytes);
        return id < 0 ? null : id;
    }

    /// <summary>How a token is written; null if it is not in the vocabulary.</summary>
    public string? TextOf(int id)
    {
        foreach (AddedToken token in Added) if (token.Id == id) return Encoding.UTF8.GetString(token.Text);
        return id >= 0 && id < Vocabulary.Count ? Encoding.UTF8.GetString(Vocabulary.Bytes(id)) : null;
    }
}
