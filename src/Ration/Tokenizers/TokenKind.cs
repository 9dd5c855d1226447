namespace Ration.Tokenizers;

/// <summary>What a token of a vocabulary is for; the numbers are those of SentencePiece's and GGUF's token types.</summary>
public enum TokenKind : byte
{
    /// <summary>Text.</summary>
    Normal = 1,

    /// <summary>Stands for text that no token covers.</summary>
    Unknown = 2,

    /// <summary>A mark, such as the beginning of a text: no text itself, and never made from text unless asked.</summary>
    Control = 3,

    /// <summary>Text that is always one token, before anything else is tried.</summary>
    UserDefined = 4,

    /// <summary>A reserved place.</summary>
    Unused = 5,

    /// <summary>One byte, for characters that no token covers.</summary>
    Byte = 6,
}
