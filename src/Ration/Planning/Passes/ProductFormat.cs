namespace Ration.Planning.Passes;

/// <summary>In what the products of linear layers are computed while training.</summary>
public enum ProductFormat
{
    /// <summary>As the factors are.</summary>
    F32,

    /// <summary>Bytes, in the forward pass and for the inputs' gradients (<see cref="SwitchBack"/>).</summary>
    Int8,
}
