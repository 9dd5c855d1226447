using Ration.Tokenizers.Normalization;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Tokenizers.HuggingFace;

/// <summary>What the <c>normalizer</c> and the <c>pre_tokenizer</c> of a <c>tokenizer.json</c> do to text, put together.</summary>
internal sealed class TextPipeline
{
    /// <summary>What rewrites the text, in order.</summary>
    public List<ITextNormalizer> Normalizers { get; } = [];

    /// <summary>What cuts it, in order.</summary>
    public List<SplitStage> Stages { get; } = [];

    /// <summary>Whether spaces are written U+2581 in the vocabulary.</summary>
    public bool MarksSpaces { get; set; }

    /// <summary>Where a text is read as if a space stood before it.</summary>
    public SpacePrefix Prefix { get; set; }

    /// <summary>Whether runs of spaces become one.</summary>
    public bool CollapsesSpaces { get; set; }

    /// <summary>Whether spaces at the end, or at both ends, go.</summary>
    public bool Strips { get; set; }

    /// <summary>Whether every space begins a word.</summary>
    public bool SeparatesSpaces { get; set; }

    /// <summary>Whether tokens are written in the letters of the byte-level alphabet.</summary>
    public bool IsByteLevel { get; set; }

    /// <summary>Whether words are cut as BERT does.</summary>
    public bool IsBert { get; set; }

    /// <summary>The normalizers as one; null if there is none.</summary>
    public ITextNormalizer? Normalizer => Normalizers.Count switch
    {
        0 => null,
        1 => Normalizers[0],
        _ => new NormalizerSequence(Normalizers),
    };
}
