namespace Ration.Tests.Devices.Cpu.Kernels;

/// <summary>Functions in double that the framework does not have.</summary>
internal static class Reference
{
    /// <summary>The error function by its series; good to 1e-14 for |x| &lt; 5 and 1 beyond.</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) > 6) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>∂(Σ weight·f)/∂x_i by central differences.</summary>
    public static double Slope(Func<double[], double> f, double[] x, int i, double step = 1e-5)
    {
        double kept = x[i];
        x[i] = kept + step;
        double above = f(x);
        x[i] = kept - step;
        double below = f(x);
        x[i] = kept;
        return (above - below) / (2 * step);
    }

    public static double[] Doubles(float[] values) => Array.ConvertAll(values, v => (double)v);
}
