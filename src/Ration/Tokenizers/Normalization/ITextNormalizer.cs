using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Rewrites text before it is cut into tokens. Implementations hold no state between calls; bytes that are not UTF-8 pass
/// through as they are.</summary>
internal interface ITextNormalizer
{
    /// <summary>Appends the normal form of a UTF-8 text.</summary>
    void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output);
}
