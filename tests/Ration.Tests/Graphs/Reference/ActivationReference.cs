using Ration.Graphs.Ops;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Nonlinearities of MLPs and their slopes.</summary>
internal static class ActivationReference
{
    private const double TanhScale = 0.7978845608028654, TanhCube = 0.044715;

    /// <summary>f(x).</summary>
    public static double Of(ActivationFunction function, double x) => function switch
    {
        ActivationFunction.Silu => x * Sigmoid(x),
        ActivationFunction.Gelu => x * Normal(x),
        ActivationFunction.GeluTanh => 0.5 * x * (1 + Math.Tanh(TanhScale * (x + (TanhCube * x * x * x)))),
        _ => throw new ArgumentOutOfRangeException(nameof(function)),
    };

    /// <summary>f′(x).</summary>
    public static double Slope(ActivationFunction function, double x) => function switch
    {
        ActivationFunction.Silu => Sigmoid(x) * (1 + (x * (1 - Sigmoid(x)))),
        ActivationFunction.Gelu => Normal(x) + (x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI)),
        ActivationFunction.GeluTanh => GeluTanhSlope(x),
        _ => throw new ArgumentOutOfRangeException(nameof(function)),
    };

    /// <summary>Gradients of gate and up.</summary>
    public static double[][] Gated(ActivationFunction function, double[] dy, double[] gate, double[] up) =>
    [
        [.. dy.Select((d, i) => d * up[i] * Slope(function, gate[i]))],
        [.. dy.Select((d, i) => d * Of(function, gate[i]))],
    ];

    /// <summary>1/(1 + e⁻ˣ).</summary>
    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    // The distribution function of the normal law, by a series of positive terms (Abramowitz and Stegun 26.2.11).
    private static double Normal(double x)
    {
        if (Math.Abs(x) > 9) return x > 0 ? 1 : 0;
        double term = x, sum = x;
        for (int i = 3; Math.Abs(term) > 1e-18 * Math.Abs(sum); i += 2)
        {
            term *= x * x / i;
            sum += term;
        }

        return 0.5 + (sum * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI));
    }

    private static double GeluTanhSlope(double x)
    {
        double tanh = Math.Tanh(TanhScale * (x + (TanhCube * x * x * x)));
        return (0.5 * (1 + tanh)) + (0.5 * x * (1 - (tanh * tanh)) * TanhScale * (1 + (3 * TanhCube * x * x)));
    }
}
