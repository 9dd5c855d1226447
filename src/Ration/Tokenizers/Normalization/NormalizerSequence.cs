using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class NormalizerSequence(IReadOnlyList<ITextNormalizer> parts) : ITextNormalizer
{
    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        if (parts.Count == 0) output.Write(text);
        NormalizedText? current = null, spare = null;
        for (int i = 0; i < parts.Count; i++)
        {
            ReadOnlySpan<byte> input = current is null ? text : current.WrittenSpan;
            if (i == parts.Count - 1)
            {
                parts[i].Normalize(input, output);
                return;
            }

            spare ??= new NormalizedText(text.Length);
            spare.Clear();
            parts[i].Normalize(input, spare);
            (current, spare) = (spare, current);
        }
    }
}
