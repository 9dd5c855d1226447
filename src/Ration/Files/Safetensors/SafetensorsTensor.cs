using Ration.Tensors;

namespace Ration.Files.Safetensors;

/// <summary>Where one tensor of a safetensors file lies.</summary>
/// <param name="Name">Its name, unique in the file.</param>
/// <param name="DType">How an element is stored, little-endian.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Offset">Its first byte, counted from the start of the file.</param>
/// <param name="Bytes">Elements × bytes of an element.</param>
public sealed record SafetensorsTensor(string Name, DType DType, Shape Shape, long Offset, long Bytes);
