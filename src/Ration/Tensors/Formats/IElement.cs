using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>Reads stored elements as f32, exactly, one or a vector at a time.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes of one stored element.</summary>
    static abstract int Bytes { get; }

    /// <summary>The element at <paramref name="source"/>.</summary>
    static abstract float Load(byte* source);

    /// <summary>Four elements from <paramref name="source"/> on.</summary>
    static abstract Vector128<float> Load128(byte* source);

    /// <summary>Eight elements from <paramref name="source"/> on.</summary>
    static abstract Vector256<float> Load256(byte* source);

    /// <summary>Sixteen elements from <paramref name="source"/> on.</summary>
    static abstract Vector512<float> Load512(byte* source);
}
