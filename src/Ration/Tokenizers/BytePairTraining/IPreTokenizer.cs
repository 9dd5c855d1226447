namespace Ration.Tokenizers.BytePairTraining;

/// <summary>Cuts text into the parts that no token spans.</summary>
public interface IPreTokenizer
{
    /// <summary>Bytes of the first part; at least one.</summary>
    int Measure(ReadOnlySpan<byte> text);
}
