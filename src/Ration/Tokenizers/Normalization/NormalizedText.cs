using System.Buffers;

namespace Ration.Tokenizers.Normalization;

/// <summary>Where normalizers write: grows up to a multiple of what was given, so that rules of a file that multiply text end in an error.</summary>
/// <param name="inputBytes">The length of the text that is normalized.</param>
internal sealed class NormalizedText(int inputBytes) : IBufferWriter<byte>
{
    // Unicode's own forms grow by less than 20.
    private const int Growth = 64;
    private const int Allowance = 4096;
    private readonly ArrayBufferWriter<byte> _text = new(inputBytes + 16);
    private readonly long _limit = ((long)Growth * inputBytes) + Allowance;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> WrittenSpan => _text.WrittenSpan;

    /// <summary>Forgets what was written.</summary>
    public void Clear() => _text.ResetWrittenCount();

    /// <inheritdoc/>
    /// <exception cref="InvalidInputException">The text has become much longer than it was.</exception>
    public void Advance(int count)
    {
        if (_text.WrittenCount + (long)count > _limit)
            throw new InvalidInputException($"the tokenizer's normalizer makes more than {_limit} bytes of {inputBytes} bytes of text; use a tokenizer whose rules do not multiply text");
        _text.Advance(count);
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0) => _text.GetMemory(sizeHint);

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => _text.GetSpan(sizeHint);
}
