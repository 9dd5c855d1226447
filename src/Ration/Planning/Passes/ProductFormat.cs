namespace Ration.Planning.Passes;

/// <summary>In what the products of linear layers are computed while training.</summary>
public enum ProductFormat
{
    /// <summary>As the factors are.</summary>
    F32,

    /// <summary>Bytes, in the forward pass and for the inputs' gradients (<see cref="SwitchBack"/>).</summary>
    Int8,
}

/// <summary>Facts about <see cref="ProductFormat"/>.</summary>
public static class ProductFormatExtensions
{
    /// <summary>The word for it on the command line and in files.</summary>
    public static string Name(this ProductFormat format) => format switch
    {
        ProductFormat.F32 => "f32",
        ProductFormat.Int8 => "int8",
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "unknown format of products"),
    };
}
