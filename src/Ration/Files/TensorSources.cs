namespace Ration.Files;

/// <summary>What every source of tensors can do.</summary>
internal static class TensorSources
{
    /// <summary>The tensor of this name.</summary>
    /// <exception cref="FileFormatException">There is none, or it is stored in a way that is not read.</exception>
    public static StoredTensor Require(this ITensorSource source, string name) => source.Find(name)
        ?? throw new FileFormatException(source.Path, $"there is no tensor {InvalidInputException.Quote(name)}",
            "the file belongs to another model or is incomplete; check which file this is");

    /// <summary>Checks that bytes asked for lie in a tensor.</summary>
    /// <exception cref="ArgumentOutOfRangeException">They do not.</exception>
    public static void RequireWithin(StoredTensor tensor, long start, int bytes)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (start < 0 || start > tensor.Bytes - bytes)
            throw new ArgumentOutOfRangeException(nameof(start), $"{bytes} bytes at {start} leave tensor {tensor.Name} of {tensor.Bytes}");
    }
}
