using Ration.Optimizers;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tests.Tensors.Formats;

namespace Ration.Tests.Optimizers;

/// <summary>Rules with state in fewer bits, against the rule in float64 with the same rounding between steps.</summary>
public class StoredStateTests
{
    private const int Rows = 23, Columns = 512, Count = Rows * Columns;

    [Theory]
    [InlineData(StateFormat.F32, 8.0 * Count)]
    [InlineData(StateFormat.BF16, 4.0 * Count)]
    [InlineData(StateFormat.EightBit, 2.0 * Count * 260 / 256)]
    [InlineData(StateFormat.FourBit, 2.0 * Count * 68 / 128)]
    [InlineData(StateFormat.Float8, 2.0 * Count * 136 / 128)]
    public void State_is_rounded_between_steps_and_nowhere_else(StateFormat format, double bytes)
    {
        double[] p = OptimizerTrial.Normal(Count, 1), m = new double[Count], v = new double[Count];
        using OptimizerTrial trial = new(new AdamW(0.9f, 0.95f, 1e-8f, 0.1f), p, new Shape(Rows, Columns), state: format);
        Assert.Equal(bytes, trial.StateBytes);
        for (int step = 1; step <= 6; step++)
        {
            double[] g = OptimizerTrial.Normal(Count, 100 + step, 0.1);
            trial.Step(g, 0.01);

            // From the state as it was stored, so that a tie that falls the other way is not carried along.
            for (int i = 0; i < Count; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * g[i]);
                v[i] = (0.95 * v[i]) + (0.05 * g[i] * g[i]);
                double direction = m[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(v[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                p[i] = (p[i] * (1 - (0.01 * 0.1))) - (0.01 * direction);
            }

            OptimizerTrial.AssertClose(p, trial.Parameter, 4e-6);
            double[] storedM = trial.State("first_moment"), storedV = trial.State("second_moment");
            AssertStored(m, Stored(format, m, signed: true), storedM, format);
            AssertStored(v, Stored(format, v, signed: false), storedV, format);
            (m, v, p) = (storedM, storedV, trial.Parameter);
        }
    }

    [Theory]
    [InlineData(StateFormat.EightBit, 15, 256, "layers.0.up", 8.0 * 15 * 256)]
    [InlineData(StateFormat.EightBit, 64, 101, "layers.0.up", 8.0 * 6464)]
    [InlineData(StateFormat.EightBit, 64, 100, "layers.0.up", 2.0 * 25 * 260)]
    [InlineData(StateFormat.BF16, 64, 100, "layers.0.up", 4.0 * 6400)]
    [InlineData(StateFormat.FourBit, 31, 132, "layers.0.up", 8.0 * 31 * 132)]
    [InlineData(StateFormat.FourBit, 64, 66, "layers.0.up", 2.0 * 33 * 68)]
    [InlineData(StateFormat.Float8, 64, 128, "layers.0.up", 2.0 * 64 * 136)]
    public void Small_tensors_and_broken_blocks_stay_in_f32_and_blocks_run_over_rows(StateFormat format, int rows, int columns, string name, double bytes)
    {
        using OptimizerTrial trial = new(new AdamW(), OptimizerTrial.Normal(rows * columns, 1), new Shape(rows, columns), name, state: format);
        Assert.Equal(bytes, trial.StateBytes);
    }

    [Fact]
    public void A_column_s_sum_of_squares_is_never_stored_as_zero()
    {
        const int Long = 4096;
        using OptimizerTrial trial = new(new Adafactor(), new double[2 * Long], new Shape(2, Long), state: StateFormat.FourBit);
        trial.Step([.. Enumerable.Range(0, 2 * Long).Select(static i => i % 100 == 0 ? 1.0 : 0.01)], 0.1);
        Assert.Equal((4 * 2) + (Long * 68 / 128), trial.StateBytes);
        Assert.All(trial.State("column_squares"), static square => Assert.True(square > 0));
    }

    private static double[] Stored(StateFormat format, double[] values, bool signed) => format switch
    {
        StateFormat.F32 => values,
        StateFormat.BF16 => [.. values.Select(static v => (double)BitConverter.Int32BitsToSingle((int)Math.Round(BitConverter.SingleToInt32Bits((float)v) / 65536.0) << 16))],
        StateFormat.EightBit => DynamicFormatTests.RoundTrip(values, signed),
        StateFormat.FourBit => FourBitStateFormatTests.RoundTrip(values, signed),
        _ => ExpandedByteFloatTests.RoundTrip(values),
    };

    // About as near to the number as the model's rounding is (ties may fall the other way), and nearly always the same.
    private static void AssertStored(double[] values, double[] model, double[] stored, StateFormat format)
    {
        // The exponent of a group hangs on its least number, which in F32 may be what cancellation has left.
        double greatest = values.Max(Math.Abs), same = format == StateFormat.Float8 ? 0.02 : 2e-4;
        int others = 0;
        for (int i = 0; i < values.Length; i++)
        {
            Assert.True(Math.Abs(stored[i] - values[i]) <= (1.2 * Math.Abs(model[i] - values[i])) + (same * Math.Abs(values[i])) + (1e-6 * greatest),
                $"element {i}: {values[i]:R} became {stored[i]:R}, not {model[i]:R}");
            if (Math.Abs(stored[i] - model[i]) > (same * Math.Abs(model[i])) + (1e-6 * greatest)) others++;
        }

        Assert.InRange(others, 0, values.Length / 200);
    }
}
