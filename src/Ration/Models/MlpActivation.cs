namespace Ration.Models;

/// <summary>The function inside an MLP.</summary>
public enum MlpActivation
{
    /// <summary>x · σ(x).</summary>
    Silu,

    /// <summary>GELU by its tanh approximation.</summary>
    GeluTanh,

    /// <summary>GELU, exact.</summary>
    Gelu,
}
