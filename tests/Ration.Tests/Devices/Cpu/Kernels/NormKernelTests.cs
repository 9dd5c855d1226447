using Ration.Devices.Cpu;
using Ration.Devices.Cpu.Kernels;

namespace Ration.Tests.Devices.Cpu.Kernels;

[Trait("Category", "Kernel")]
public unsafe class NormKernelTests
{
    private const float Epsilon = 1e-5f;

    public static TheoryData<int, int> Shapes
    {
        get
        {
            TheoryData<int, int> data = new() { { 0, 5 }, { 1, 1 }, { 1, 2 }, { 2, 3 }, { 70, 5 }, { 9, 300 }, { 530, 16 } };
            for (int columns = 15; columns <= 67; columns += columns < 33 ? 1 : 17) data.Add(3, columns);
            return data;
        }
    }

    /// <summary>Without rows of two numbers, whose variance has kinks that no difference quotient of such a step resolves, and of one.</summary>
    public static TheoryData<int, int> WideShapes => [.. Shapes.Where(static row => row.Data.Item2 >= 3)];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rms_norm_agrees_with_its_formula(int rows, int columns)
    {
        using WorkerPool pool = new(2);
        using Guarded<float> x = new(Check.Random((long)rows * columns, 1, 3), 1);
        using Guarded<float> gain = new(Check.Random(columns, 2), 3);
        using Guarded<float> y = new((nint)rows * columns, 5);
        using Guarded<float> inverse = new(rows);
        RmsNormKernel.Forward(pool, x, gain, y, inverse, rows, columns, Epsilon);
        double[] expected = RmsNorm(Reference.Doubles(x.ToArray()), Reference.Doubles(gain.ToArray()), rows, columns);
        Check.Close(expected, y.Span, 2e-6, 1e-6);
        RmsNormKernel.Forward(pool, x, gain, x, inverse, rows, columns, Epsilon);
        Check.Same(y.Span, x.Span, "in place");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rms_norm_gradients_are_the_slopes_of_its_formula(int rows, int columns) =>
        CompareGradients(rows, columns, centred: false, (x, gain, _) => RmsNorm(x, gain, rows, columns));

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Layer_norm_agrees_with_its_formula(int rows, int columns)
    {
        using WorkerPool pool = new(2);
        using Guarded<float> x = new(Check.Random((long)rows * columns, 1, 3), 1);
        using Guarded<float> gain = new(Check.Random(columns, 2), 3);
        using Guarded<float> bias = new(Check.Random(columns, 3), 2);
        using Guarded<float> y = new((nint)rows * columns, 5);
        using Guarded<float> mean = new(rows);
        using Guarded<float> inverse = new(rows);
        LayerNormKernel.Forward(pool, x, gain, bias, y, mean, inverse, rows, columns, Epsilon);
        double[] expected = LayerNorm(
            Reference.Doubles(x.ToArray()), Reference.Doubles(gain.ToArray()), Reference.Doubles(bias.ToArray()), rows, columns);
        Check.Close(expected, y.Span, 2e-5, 0.1);
        LayerNormKernel.Forward(pool, x, gain, bias, x, mean, inverse, rows, columns, Epsilon);
        Check.Same(y.Span, x.Span, "in place");
    }

    [Theory]
    [MemberData(nameof(WideShapes))]
    public void Layer_norm_gradients_are_the_slopes_of_its_formula(int rows, int columns) =>
        CompareGradients(rows, columns, centred: true, (x, gain, bias) => LayerNorm(x, gain, bias, rows, columns));

    [Fact]
    public void Gradients_have_the_same_bits_with_any_number_of_threads()
    {
        const int Rows = 150, Columns = 300;
        float[]? first = null;
        foreach (int threads in (int[])[1, 2, 3])
        {
            using WorkerPool pool = new(threads);
            using Norm norm = new(Rows, Columns, pool);
            float[] all = [.. norm.Backward(centred: true, false), .. norm.DGain.ToArray(), .. norm.DBias.ToArray()];
            first ??= all;
            Check.Same(first, all);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Gradients_may_be_added_frozen_or_written_over_their_inputs(bool centred)
    {
        const int Rows = 20, Columns = 37;
        using WorkerPool pool = new(2);
        using Norm norm = new(Rows, Columns, pool);
        float[] dx = norm.Backward(centred, accumulate: false), dgain = norm.DGain.ToArray(), dbias = norm.DBias.ToArray();
        norm.Dx.Span.Fill(1);
        norm.DGain.Span.Fill(2);
        norm.DBias.Span.Fill(3);
        Check.Close(Array.ConvertAll(dx, v => v + 1.0), norm.Backward(centred, accumulate: true), 1e-6, 1);
        Check.Close(Array.ConvertAll(dgain, v => v + 2.0), norm.DGain.Span, 1e-6, 1);
        if (centred) Check.Close(Array.ConvertAll(dbias, v => v + 3.0), norm.DBias.Span, 1e-6, 1);

        norm.Backward(centred, false, frozen: true);
        Check.Same(dx, norm.Dx.Span, "frozen");
        norm.Backward(centred, false, frozen: true, dx: norm.Dy);
        Check.Same(dx, norm.Dy.Span, "over dy");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Scaling_normalized_rows_gives_the_bits_of_the_norm(int rows, int columns)
    {
        using WorkerPool pool = new(2);
        using Guarded<float> x = new(Check.Random((long)rows * columns, 1, 3), 1), gain = new(Check.Random(columns, 2), 3), bias = new(Check.Random(columns, 3), 2);
        using Guarded<float> whole = new((nint)rows * columns, 5), normalized = new((nint)rows * columns, 2), scaled = new((nint)rows * columns, 7), mean = new(rows), inverse = new(rows);
        RmsNormKernel.Forward(pool, x, gain, whole, inverse, rows, columns, Epsilon);
        RmsNormKernel.Forward(pool, x, null, normalized, inverse, rows, columns, Epsilon);
        ColumnScaleKernel.Run(pool, normalized, gain, null, scaled, rows, columns);
        Check.Same(whole.Span, scaled.Span, "rms");
        LayerNormKernel.Forward(pool, x, gain, bias, whole, mean, inverse, rows, columns, Epsilon);
        LayerNormKernel.Forward(pool, x, null, null, normalized, null, inverse, rows, columns, Epsilon);
        ColumnScaleKernel.Run(pool, normalized, gain, bias, scaled, rows, columns);
        Check.Same(whole.Span, scaled.Span, "layer");
        ColumnScaleKernel.Run(pool, normalized, gain, bias, normalized, rows, columns);
        Check.Same(whole.Span, normalized.Span, "in place");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Rms_norm_gradients_by_the_output_are_those_by_the_input(int rows, int columns) => CompareByOutput(rows, columns, centred: false);

    // The kinks are where the input and the output do not lead to the same digits.
    [Theory]
    [MemberData(nameof(WideShapes))]
    public void Layer_norm_gradients_by_the_output_are_those_by_the_input(int rows, int columns) => CompareByOutput(rows, columns, centred: true);

    private static void CompareByOutput(int rows, int columns, bool centred)
    {
        using WorkerPool pool = new(2);
        using Norm norm = new(rows, columns, pool);
        double[] dx = Reference.Doubles(norm.Backward(centred, accumulate: false)), dgain = Reference.Doubles(norm.DGain.ToArray()), dbias = Reference.Doubles(norm.DBias.ToArray());
        Check.Close(dx, norm.BackwardByOutput(centred), 1e-5, 1, "dx");
        Check.Close(dgain, norm.DGain.Span, 1e-5, 1, "dgain");
        if (centred) Check.Close(dbias, norm.DBias.Span, 1e-5, 1, "dbias");
    }

    private static void CompareGradients(int rows, int columns, bool centred, Func<double[], double[], double[], double[]> formula)
    {
        using WorkerPool pool = new(2);
        using Norm norm = new(rows, columns, pool);
        double[] x = Reference.Doubles(norm.X.ToArray()), gain = Reference.Doubles(norm.Gain.ToArray());
        double[] dy = Reference.Doubles(norm.Dy.ToArray()), bias = new double[columns];
        float[] dx = norm.Backward(centred, accumulate: false);
        double Loss() => formula(x, gain, bias).Zip(dy).Sum(p => p.First * p.Second);
        int step = Math.Max(1, x.Length / 40);
        for (int i = 0; i < x.Length; i += step) Near(Reference.Slope(_ => Loss(), x, i), dx[i], $"dx[{i}]");
        for (int i = 0; i < columns; i += Math.Max(1, columns / 20))
        {
            Near(Reference.Slope(_ => Loss(), gain, i), norm.DGain.Span[i], $"dgain[{i}]");
            if (centred) Near(Reference.Slope(_ => Loss(), bias, i), norm.DBias.Span[i], $"dbias[{i}]");
        }
    }

    private static void Near(double expected, float actual, string what) =>
        Assert.True(Math.Abs(expected - actual) <= 5e-6 * Math.Max(1, Math.Abs(expected)),
            $"{what}: expected {expected:R}, got {actual:R}");

    private static double[] RmsNorm(double[] x, double[] gain, int rows, int columns)
    {
        double[] y = new double[x.Length];
        for (int row = 0; row < rows; row++)
        {
            double square = 0;
            for (int i = 0; i < columns; i++) square += x[(row * columns) + i] * x[(row * columns) + i];
            double inverse = 1 / Math.Sqrt((square / columns) + Epsilon);
            for (int i = 0; i < columns; i++) y[(row * columns) + i] = gain[i] * x[(row * columns) + i] * inverse;
        }

        return y;
    }

    private static double[] LayerNorm(double[] x, double[] gain, double[] bias, int rows, int columns)
    {
        double[] y = new double[x.Length];
        for (int row = 0; row < rows; row++)
        {
            double mean = x.Skip(row * columns).Take(columns).Average(), variance = 0;
            for (int i = 0; i < columns; i++) variance += Math.Pow(x[(row * columns) + i] - mean, 2) / columns;
            double inverse = 1 / Math.Sqrt(variance + Epsilon);
            for (int i = 0; i < columns; i++) y[(row * columns) + i] = (gain[i] * (x[(row * columns) + i] - mean) * inverse) + bias[i];
        }

        return y;
    }

    private sealed class Norm : IDisposable
    {
        private readonly int _rows;
        private readonly int _columns;
        private readonly WorkerPool _pool;
        private readonly Guarded<float> _mean;
        private readonly Guarded<float> _inverse;
        private readonly Guarded<float> _zero;
        private readonly Guarded<float> _y;

        public Norm(int rows, int columns, WorkerPool pool)
        {
            (_rows, _columns, _pool) = (rows, columns, pool);
            X = new(Check.Random((long)rows * columns, 1, 2), 1);
            Gain = new(Check.Random(columns, 2), 3);
            Dy = new(Check.Random((long)rows * columns, 3), 2);
            Dx = new((nint)rows * columns, 5);
            DGain = new(columns, 1);
            DBias = new(columns, 1);
            _mean = new(rows);
            _inverse = new(rows);
            _zero = new(new float[columns]);
            _y = new((nint)rows * columns);
        }

        public Guarded<float> X { get; }

        public Guarded<float> Gain { get; }

        public Guarded<float> Dy { get; }

        public Guarded<float> Dx { get; }

        public Guarded<float> DGain { get; }

        public Guarded<float> DBias { get; }

        public float[] Backward(bool centred, bool accumulate, bool frozen = false, Guarded<float>? dx = null)
        {
            dx ??= Dx;
            float* dgain = frozen ? null : DGain.Pointer, dbias = frozen ? null : DBias.Pointer;
            if (centred)
            {
                using Guarded<byte> workspace = new((nint)LayerNormKernel.PartialsBytes(_rows, _columns));
                LayerNormKernel.Forward(_pool, X, Gain, _zero, _y, _mean, _inverse, _rows, _columns, Epsilon);
                LayerNormKernel.Backward<Centred>(
                    _pool, Dy, X, Gain, _mean, _inverse, dx, accumulate, dgain, accumulate, dbias, accumulate, _rows, _columns, workspace);
            }
            else
            {
                using Guarded<byte> workspace = new((nint)RmsNormKernel.GainPartialsBytes(_rows, _columns));
                RmsNormKernel.Forward(_pool, X, Gain, _y, _inverse, _rows, _columns, Epsilon);
                RmsNormKernel.Backward<Uncentred>(_pool, Dy, X, Gain, _inverse, dx, accumulate, dgain, accumulate, _rows, _columns, workspace);
            }

            return dx.ToArray();
        }

        public float[] BackwardByOutput(bool centred)
        {
            using Guarded<byte> workspace = new((nint)LayerNormKernel.PartialsBytes(_rows, _columns));
            if (centred)
            {
                LayerNormKernel.Forward(_pool, X, null, null, _y, null, _inverse, _rows, _columns, Epsilon);
                LayerNormKernel.Backward<CentredOutput>(_pool, Dy, _y, Gain, null, _inverse, Dx, false, DGain, false, DBias, false, _rows, _columns, workspace);
            }
            else
            {
                RmsNormKernel.Forward(_pool, X, null, _y, _inverse, _rows, _columns, Epsilon);
                RmsNormKernel.Backward<UncentredOutput>(_pool, Dy, _y, Gain, _inverse, Dx, false, DGain, false, _rows, _columns, workspace);
            }

            return Dx.ToArray();
        }

        public void Dispose()
        {
            Guarded<float>[] all = [X, Gain, Dy, Dx, DGain, DBias, _mean, _inverse, _zero, _y];
            foreach (Guarded<float> memory in all) memory.Dispose();
        }
    }
}
