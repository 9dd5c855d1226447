namespace Ration.Tokenizers;

/// <summary>The tokenizer of a model and what its files say about using it.</summary>
public sealed record TokenizerDescription
{
    /// <summary>Makes tokens of text and text of tokens.</summary>
    public required ITokenizer Tokenizer { get; init; }

    /// <summary>The token that begins a text: what the tokenizer adds, else <c>bos_token</c>; null if there is none.</summary>
    public int? BeginningId { get; init; }

    /// <summary>How the token that begins a text is written (<c>bos_token</c>), for chat templates.</summary>
    public string? BeginningText { get; init; }

    /// <summary>How the token that ends a text is written (<c>eos_token</c>), for chat templates.</summary>
    public string? EndText { get; init; }

    /// <summary>The tokens at which generation stops: those of <c>generation_config.json</c> and <c>eos_token</c>; may be empty.</summary>
    public IReadOnlyList<int> EndIds { get; init; } = [];

    /// <summary>The token that fills up rows of a batch; null if there is none.</summary>
    public int? PaddingId { get; init; }

    /// <summary>Whether texts begin with <see cref="BeginningId"/> unless a template says otherwise.</summary>
    public bool AddBeginning { get; init; }

    /// <summary>Whether texts end with the end token.</summary>
    public bool AddEnd { get; init; }

    /// <summary>The template of chats, in Jinja; null if the model has none. Of several named ones, <c>default</c>.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>The templates of chats by name, for models that ship several.</summary>
    public IReadOnlyDictionary<string, string> ChatTemplates { get; init; } = new Dictionary<string, string>();
}
