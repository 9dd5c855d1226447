namespace Ration.Tokenizers.Merging;

/// <summary>The bytes of a short piece, padded with zeros, and where it is kept.</summary>
internal struct PieceKey
{
    public ulong A, B, C;
    public int Length, Slot;
}
