namespace Ration.Tensors.Formats;

/// <summary>How one block of elements is stored, its own scale included.</summary>
internal unsafe interface IBlockFormat
{
    /// <summary>Elements of a block.</summary>
    static abstract int Elements { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Writes the block's elements; nothing outside the block is read. Any bytes are a block; any alignment.</summary>
    static abstract void Decode(byte* block, float* target);

    /// <summary>Stores elements, rounded to what the block can hold; nothing outside of it is written.</summary>
    static abstract void Encode(float* source, byte* block);
}

/// <summary>A format whose blocks have one scale each, which is known before any element is encoded.</summary>
internal unsafe interface IScaledBlockFormat : IBlockFormat
{
    /// <summary>The scale of a block.</summary>
    static abstract float Scale(float* source);

    /// <summary>Stores elements by the scale that <see cref="Scale"/> has found.</summary>
    static abstract void Encode(float* source, byte* block, float scale);
}
