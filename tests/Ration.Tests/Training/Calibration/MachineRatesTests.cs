using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;
using Ration.Tests.Files;
using Ration.Training.Calibration;

namespace Ration.Tests.Training.Calibration;

public class MachineRatesTests
{
    private static readonly MachineRates s_rates = new(2e11, 3e10, 1e-6)
    {
        Measured = new Dictionary<string, WorkTimes> { ["MatMul NT"] = new([new(1e9, 0.01), new(1e6, 1e-4)]), ["Add"] = new([new(100, 1e-6)]) },
    };

    [Fact]
    public void Between_measurements_the_rate_changes_evenly_with_the_logarithm_of_work()
    {
        WorkTimes times = s_rates.Measured["MatMul NT"];
        Assert.Equal([1e6, 1e9], times.Points.Select(static p => p.Work));
        Assert.Equal(1e-5, times.Seconds(1e5), 1e-12);
        Assert.Equal(1e-4, times.Seconds(1e6), 1e-12);
        Assert.Equal(0.01, times.Seconds(1e9), 1e-9);
        Assert.Equal(0.1, times.Seconds(1e10), 1e-9);
        double middle = Math.Sqrt(1e6 * 1e9);
        Assert.Equal(middle * Math.Sqrt(1e-10 * 1e-11), times.Seconds(middle), 1e-9 * middle);
        Assert.Equal(0, times.Seconds(0));
    }

    [Fact]
    public void Times_must_be_of_positive_work()
    {
        Assert.Throws<ArgumentException>(static () => new WorkTimes([]));
        Assert.Throws<ArgumentException>(static () => new WorkTimes([new(0, 1)]));
        Assert.Throws<ArgumentException>(static () => new WorkTimes([new(1, double.NaN)]));
    }

    [Fact]
    public void Measured_kinds_take_their_own_time_and_others_the_two_rates()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new(64, 100)), w = builder.Parameter("w", new(50, 100));
        Value y = builder.Linear(x, w, "y"), z = builder.Linear(x, builder.Parameter("v", new(50, 100), DType.BF16), "z");
        builder.Output(builder.Add(y, z));
        CostModel cost = new(s_rates);
        Node[] nodes = [.. builder.Build().Nodes];
        Assert.Equal(["MatMul NT", "MatMul NT BF16", "Add"], nodes.Select(CostModel.ClassOf));
        double work = 2.0 * 64 * 100 * 50 * (64 + 12) / 64;
        Assert.Equal(work, CostModel.WorkOf(nodes[0]), 1e-6);
        Assert.Equal(s_rates.Measured["MatMul NT"].Seconds(work), cost.Seconds(nodes[0]), 1e-12);
        Assert.Equal(1e-6 + (work / 2e11), cost.Seconds(nodes[1]), 1e-12);
        Assert.Equal(3 * 64 * 50 * 4 * 1e-8, cost.Seconds(nodes[2]), 1e-12);
    }

    [Fact]
    public void Rates_are_read_as_they_were_written()
    {
        using TemporaryFolder folder = new();
        string path = folder["in/a/folder.json"];
        MachineRatesFile.Save(path, "a device", s_rates);
        MachineRates read = MachineRatesFile.TryLoad(path, "a device")!;
        Assert.Equal(s_rates with { Measured = read.Measured }, read);
        Assert.Equal(s_rates.Measured.Keys.Order(), read.Measured.Keys.Order());
        Assert.All(read.Measured, static m => Assert.Equal(s_rates.Measured[m.Key].Points, m.Value.Points));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[1, 2]")]
    [InlineData("""{"machine": 3}""")]
    [InlineData("""{"flops": 1}""")]
    public void What_cannot_be_read_counts_as_not_measured(string text)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["rates.json"], text);
        Assert.Null(MachineRatesFile.TryLoad(folder["rates.json"], "a device"));
        Assert.Null(MachineRatesFile.TryLoad(folder["none.json"], "a device"));
        Assert.Null(MachineRatesFile.TryLoad(null, "a device"));
    }

    [Fact]
    public void Rates_of_another_machine_or_with_wrong_numbers_are_left_alone()
    {
        using TemporaryFolder folder = new();
        string path = folder["rates.json"];
        MachineRatesFile.Save(path, "a device", s_rates);
        Assert.Null(MachineRatesFile.TryLoad(path, "another device"));
        File.WriteAllText(path, File.ReadAllText(path).Replace("0.01", "-0.01", StringComparison.Ordinal));
        Assert.Null(MachineRatesFile.TryLoad(path, "a device"));
    }

    [Fact]
    public void Calibration_measures_what_training_does()
    {
        MachineRates rates = MachineCalibration.Measure(static () => new CpuDevice(1), new ByteSize(RuntimeFootprint.Reserve(1) + (100 << 20)), TestContext.Current.CancellationToken);
        foreach (string kind in (string[])["MatMul NT", "MatMul NN", "MatMul TN", "Attention", "AttentionGradient", "RmsNorm", "LinearCrossEntropy", "LinearCrossEntropyGradient"])
            Assert.True(rates.Measured.ContainsKey(kind), kind);
        Assert.True(rates.Measured["MatMul NT"].Points.Count > 1);
        Assert.Contains(rates.Measured.Keys, static kind => kind.StartsWith("Orthonormalize", StringComparison.Ordinal));
    }
}
