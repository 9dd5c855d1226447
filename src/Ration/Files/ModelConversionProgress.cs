namespace Ration.Files;

/// <summary>How far a conversion is.</summary>
/// <param name="Tensor">The tensor that is being written.</param>
/// <param name="BytesDone">Bytes of tensors written.</param>
/// <param name="BytesTotal">Bytes of all tensors.</param>
public readonly record struct ModelConversionProgress(string Tensor, long BytesDone, long BytesTotal);
