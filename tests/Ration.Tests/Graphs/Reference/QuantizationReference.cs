using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Activations in few bits. Where a number is rounded to a code, it is computed in F32, as the code depends on every bit.</summary>
internal static class QuantizationReference
{
    /// <summary>f(x), and of each row the codes: how many thresholds an element exceeds, four to a byte.</summary>
    public static double[][] TwoBit(TwoBitActivation op, double[] x, int width)
    {
        TwoBitSlopes s = TwoBitSlopes.Of(op.Function);
        double[] thresholds = [s.FirstThreshold, s.SecondThreshold, s.ThirdThreshold];
        IEnumerable<double> codes = x.Chunk(width).SelectMany(row => row.Chunk(4).Select(four => (double)four.Select((v, i) => thresholds.Count(t => v > t) << (2 * i)).Sum()));
        return [[.. x.Select(v => ActivationReference.Of(op.Function, v))], [.. codes]];
    }

    /// <summary>dy times the slope of each element's interval.</summary>
    public static double[] TwoBitGradient(TwoBitActivationGradient op, double[] dy, double[] codes, int width)
    {
        TwoBitSlopes s = TwoBitSlopes.Of(op.Function);
        double[] slopes = [0, s.FirstSlope, s.SecondSlope, 1];
        int bytes = (width + 3) / 4;
        return [.. dy.Select((d, i) => d * slopes[((int)codes[(i / width * bytes) + (i % width / 4)] >> (2 * (i % width % 4))) & 3])];
    }

    /// <summary>Rows of whole blocks of 32 as Q8_0 has them: in steps of an F16 scale, half a step away from zero.</summary>
    public static double[] RoundMatrix(double[] x) => Blocks(x, static (value, scale) => MathF.Round(value * (1 / scale), MidpointRounding.AwayFromZero) * (double)(Half)scale);

    /// <summary>Rows of whole blocks of 32 as products with tiles round them: in steps of an F32 scale, half a step to even.</summary>
    public static double[] RoundRows(double[] x) => Blocks(x, static (value, scale) => MathF.Round(value * (1 / scale), MidpointRounding.ToEven) * (double)scale);

    private static double[] Blocks(double[] x, Func<float, float, double> round) => [.. x.Chunk(32).SelectMany(block =>
    {
        float scale = (float)block.Max(Math.Abs) / 127;
        return block.Select(v => scale == 0 ? 0 : round((float)v, scale));
    })];

    /// <summary>Codes and scales; the estimates change.</summary>
    public static double[][] Quantize(QuantizeActivation op, Node node, double[][] x)
    {
        Shape shape = node.Inputs[0].Shape;
        int width = (int)shape[^1], groups = width / op.Group, rowElements = (int)(shape.Elements / Dropout.Rows(shape));
        double[] scales = new double[2 * groups];
        for (int g = 0; g < groups; g++)
        {
            double[] seen = [.. x[0].Where((_, i) => i % width / op.Group == g)];
            bool isFirst = x[1][g] == 0 && x[1][groups + g] == 0;
            x[1][g] = Mean(isFirst, x[1][g], seen.Min());
            x[1][groups + g] = Mean(isFirst, x[1][groups + g], seen.Max() - seen.Min());
            double low = Math.Min(seen.Min(), x[1][g]), high = Math.Max(seen.Max(), x[1][g] + x[1][groups + g]);
            (scales[g], scales[groups + g]) = (low, (float)((high - low) / 255));
        }

        return [[.. x[0].Select(Code)], scales];

        double Mean(bool isFirst, double old, double now) => isFirst ? (float)now : (float)((op.Decay * old) + ((1 - (double)op.Decay) * now));

        double Code(double value, int i)
        {
            int g = i % width / op.Group;
            float step = (float)scales[groups + g], inverse = step > 0 ? 1 / step : 0;
            ulong stream = (7UL << 61) | (((ulong)op.Site << 38) ^ (ulong)((long)x[2][1] + (i / rowElements)));
            float noise = (TokenReference.Word((ulong)(long)x[2][0], stream, i % rowElements) >> 8) * (1f / (1 << 24));
            return Math.Clamp(MathF.Floor((((float)value - (float)scales[g]) * inverse) + noise), 0, 255);
        }
    }

    /// <summary>Integers of numbers, or back.</summary>
    public static double[] FixedPoint(Node node, double[] x) =>
        node.Op is ToFixedPoint op ? ToFixedPoint(op, x, (int)node.Inputs[0].Shape[^1]) : FromFixedPoint((FromFixedPoint)node.Op, x);

    /// <summary>Integers of each row, the first of two in the lower half of a byte.</summary>
    public static double[] ToFixedPoint(ToFixedPoint op, double[] x, int width)
    {
        double half = Math.Pow(2, op.Bits - 1);
        return [.. x.Chunk(width).SelectMany(row => row.Select(
            v => Math.Clamp(Math.Round(v * Math.Pow(2, op.Fraction)), -half, half - 1) + half).Chunk(8 / op.Bits).Select(static c => c.Length == 1 ? c[0] : c[0] + (16 * c[1])))];
    }

    /// <summary>Numbers of each row.</summary>
    public static double[] FromFixedPoint(FromFixedPoint op, double[] codes)
    {
        double half = Math.Pow(2, op.Bits - 1);
        int perByte = 8 / op.Bits;
        return [.. codes.Chunk((int)((op.Width + perByte - 1) / perByte)).SelectMany(row => row.SelectMany(c => perByte == 1 ? new[] { c } : [c % 16, Math.Floor(c / 16)]).Take((int)op.Width))
            .Select(c => (c - half) / Math.Pow(2, op.Fraction))];
    }

    /// <summary>Least value plus code times step.</summary>
    public static double[] Dequantize(DequantizeActivation op, double[] codes, double[] scales)
    {
        int groups = scales.Length / 2;
        return [.. codes.Select((code, i) => scales[i / op.Group % groups] + (code * scales[groups + (i / op.Group % groups)]))];
    }
}
