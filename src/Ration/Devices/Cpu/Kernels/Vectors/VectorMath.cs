using System.Runtime.CompilerServices;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Elementary functions for any number of lanes, within two units in the last place over the whole range unless they say more.
/// The polynomials are minimax fits (Remez exchange) to the reduced functions; each names its interval.
/// </summary>
internal static class VectorMath
{
    private const float LogTwoHigh = 0.693359375f; // Nine bits, so that its product with an exponent is exact.
    private const float LogTwoLow = -2.12194440e-4f;

    /// <summary>e^x: 0 at −∞ and below −104, ∞ above 88.73, NaN at NaN; subnormal results are rounded once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        // The second operand comes back where one is NaN, so NaN stays NaN.
        T inside = T.Max(T.Create(-104f), T.Min(T.Create(89f), x));
        T power = T.Round(inside * T.Create(1.44269504f));
        T r = T.MultiplyAdd(power, T.Create(-LogTwoHigh), inside);
        r = T.MultiplyAdd(power, T.Create(-LogTwoLow), r);

        // (e^r − 1 − r)/r² on |r| ≤ ln(2)/2.
        T p = T.Create(0.001381459865f);
        p = T.MultiplyAdd(p, r, T.Create(0.00836871688f));
        p = T.MultiplyAdd(p, r, T.Create(0.04166838805f));
        p = T.MultiplyAdd(p, r, T.Create(0.1666652063f));
        p = T.MultiplyAdd(p, r, T.Create(0.4999999345f));
        p = T.MultiplyAdd(p, r * r, r);
        return T.Scale(p + T.Create(1f), power);
    }

    /// <summary>The natural logarithm: −∞ at 0, NaN below, ∞ at ∞, NaN at NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Log<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T subnormal = T.LessThan(x, T.Create(1.17549435e-38f));
        T normal = T.Select(subnormal, x * T.Create(8388608f), x);
        T exponent = T.Exponent(normal) - T.Select(subnormal, T.Create(23f), T.Create(0f));
        T mantissa = T.Mantissa(normal);
        T upper = T.LessThan(T.Create(1.41421356f), mantissa);
        mantissa = T.Select(upper, mantissa * T.Create(0.5f), mantissa);
        exponent = T.Select(upper, exponent + T.Create(1f), exponent);
        T f = mantissa - T.Create(1f);

        // (ln(1 + f) − f + f²/2)/f³ on √½ − 1 ≤ f ≤ √2 − 1.
        T p = T.Create(0.06746633934f);
        p = T.MultiplyAdd(p, f, T.Create(-0.1167564553f));
        p = T.MultiplyAdd(p, f, T.Create(0.1188816173f));
        p = T.MultiplyAdd(p, f, T.Create(-0.1240558993f));
        p = T.MultiplyAdd(p, f, T.Create(0.1421955258f));
        p = T.MultiplyAdd(p, f, T.Create(-0.1666799581f));
        p = T.MultiplyAdd(p, f, T.Create(0.2000211865f));
        p = T.MultiplyAdd(p, f, T.Create(-0.250000096f));
        p = T.MultiplyAdd(p, f, T.Create(0.333333126f));
        T square = f * f;
        T low = T.MultiplyAdd(p * f, square, T.MultiplyAdd(exponent, T.Create(LogTwoLow), square * T.Create(-0.5f)));
        T result = T.MultiplyAdd(exponent, T.Create(LogTwoHigh), f + low);

        // Zero, negative numbers, infinity and NaN have no place in the reduction.
        T special = T.Select(T.AreEqual(x, T.Create(0f)), T.Create(float.NegativeInfinity), T.Create(float.NaN));
        T positive = T.LessThan(T.Create(0f), x);
        T infinite = T.AreEqual(x, T.Create(float.PositiveInfinity));
        return T.Select(positive, T.Select(infinite, x, result), special);
    }

    /// <summary>1/(1 + e^−x); 0 below −88.8, where the true value is subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sigmoid<T>(T x)
        where T : unmanaged, ILanes<T> => T.Create(1f) / (T.Create(1f) + Exp(-x));

    /// <summary>The hyperbolic tangent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Tanh<T>(T x)
        where T : unmanaged, ILanes<T>
    {
        T size = T.Abs(x);
        T large = T.Create(1f) - (T.Create(2f) / (Exp(size + size) + T.Create(1f)));

        // (tanh(x) − x)/x³ in x², on |x| < 0.625.
        T square = x * x;
        T p = T.Create(-0.005704986961f);
        p = T.MultiplyAdd(p, square, T.Create(0.02063908718f));
        p = T.MultiplyAdd(p, square, T.Create(-0.05373971505f));
        p = T.MultiplyAdd(p, square, T.Create(0.133314422f));
        p = T.MultiplyAdd(p, square, T.Create(-0.3333328194f));
        T small = T.MultiplyAdd(p * square, x, x);
        return T.Select(T.LessThan(size, T.Create(0.625f)), small, T.CopySign(large, x));
    }

    /// <summary>
    /// The standard normal's cumulative distribution Φ(x) = ½ + ½·erf(x/√2), with small relative error in the lower tail as well,
    /// and its density φ(x) = e^(−x²/2)/√(2π), which comes free. Within five units in the last place.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T NormalDistribution<T>(T x, out T density)
        where T : unmanaged, ILanes<T>
    {
        T size = T.Min(T.Create(15f), T.Abs(x));
        T half = size * T.Create(0.5f);
        T exponent = half * size;
        T lost = T.MultiplyAdd(half, size, -exponent);
        T bell = Exp(-exponent);
        bell = T.MultiplyAdd(-lost, bell, bell);
        density = bell * T.Create(0.398942280f);

        // (4 + z)·e^(z²/2)·Φ(−z) in t = (z − 4)/(z + 4), on 0 ≤ z ≤ 14.6.
        T reciprocal = T.Create(1f) / (size + T.Create(4f));
        T t = (size - T.Create(4f)) * reciprocal;
        T p = T.Create(-0.0001324333564f);
        p = T.MultiplyAdd(p, t, T.Create(0.0001783714902f));
        p = T.MultiplyAdd(p, t, T.Create(0.001569589596f));
        p = T.MultiplyAdd(p, t, T.Create(-0.003512077995f));
        p = T.MultiplyAdd(p, t, T.Create(-0.007525003579f));
        p = T.MultiplyAdd(p, t, T.Create(0.06040376475f));
        p = T.MultiplyAdd(p, t, T.Create(-0.186523486f));
        p = T.MultiplyAdd(p, t, T.Create(0.3871369039f));
        p = T.MultiplyAdd(p, t, T.Create(-0.6078965866f));
        p = T.MultiplyAdd(p, t, T.Create(0.7552851354f));
        T tail = bell * p * reciprocal;
        return T.Select(T.LessThan(T.Create(0f), x), T.Create(1f) - tail, tail);
    }

    /// <summary>
    /// Sine and cosine of <paramref name="quarters"/> quarter turns (of π/2 each) plus <paramref name="rest"/> more, for
    /// |rest| ≤ ½ (a little beyond does no harm) and integral |quarters| &lt; 2²². The caller splits, so that it can keep the low
    /// bits that one float could not hold.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T SineCosine<T>(T quarters, T rest, out T cosine)
        where T : unmanaged, ILanes<T>
    {
        T square = rest * rest;
        T s = T.Create(-0.004601625897f);
        s = T.MultiplyAdd(s, square, T.Create(0.07968002267f));
        s = T.MultiplyAdd(s, square, T.Create(-0.6459634595f));
        s = T.MultiplyAdd(s, square, T.Create(1.570796322f)) * rest;
        T c = T.Create(0.0009037602756f);
        c = T.MultiplyAdd(c, square, T.Create(-0.02086016241f));
        c = T.MultiplyAdd(c, square, T.Create(0.2536692256f));
        c = T.MultiplyAdd(c, square, T.Create(-1.233700543f));
        c = T.MultiplyAdd(c, square, T.Create(1f));

        // Quadrants 0 … 3 have (sine, cosine) = (s, c), (c, −s), (−s, −c), (−c, s).
        T quadrant = T.MultiplyAdd(T.Floor(quarters * T.Create(0.25f)), T.Create(-4f), quarters);
        T isOdd = T.AreEqual(quadrant - T.Create(2f) * T.Floor(quadrant * T.Create(0.5f)), T.Create(1f));
        T sine = T.Select(isOdd, c, s);
        cosine = T.Select(isOdd, s, c);
        T lower = T.LessThan(T.Create(1.5f), quadrant);
        T left = T.LessThan(T.Abs(quadrant - T.Create(1.5f)), T.Create(1f));
        cosine = T.Select(left, -cosine, cosine);
        return T.Select(lower, -sine, sine);
    }
}
