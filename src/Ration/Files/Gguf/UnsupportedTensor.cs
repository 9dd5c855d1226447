using Ration.Tensors;

namespace Ration.Files.Gguf;

/// <summary>A tensor that is in a file but stored in a way that is not read here.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">ggml's name of the way it is stored, such as <c>IQ4_NL</c>.</param>
/// <param name="Shape">Its sizes, outermost first.</param>
/// <param name="Bytes">Its size; 0 if that is not known.</param>
public sealed record UnsupportedTensor(string Name, string Type, Shape Shape, long Bytes);
