namespace Ration.Tokenizers.BytePairTraining;

/// <summary>What a <see cref="BytePairTrainer"/> learnt. Ids: the special tokens, then the 256 bytes in the order of the byte-level
/// alphabet, then what each merge makes.</summary>
public sealed record TrainedBytePairs
{
    /// <summary>Tokens that are not text, ids 0 ….</summary>
    public required IReadOnlyList<string> SpecialTokens { get; init; }

    /// <summary>The bytes of each token by id; for special tokens the UTF-8 of their names.</summary>
    public required IReadOnlyList<byte[]> Tokens { get; init; }

    /// <summary>Which ids join, first to be applied first. Two merges can make the same token.</summary>
    public required IReadOnlyList<(int First, int Second)> Merges { get; init; }
}
