using System.CommandLine;
using System.Globalization;
using Ration.Cli.Output;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Memory;
using Ration.Models;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration bench</c>: what this machine can do, and how near each part of a training step comes to it.</summary>
internal static class BenchCommand
{
    private const long DiskBytes = 256L << 20;
    private const int StreamElements = 16 << 20;
    private const int Runs = 9;

    private static readonly (long M, long N, long K)[] s_products = [(768, 768, 768), (1024, 2048, 768), (1024, 768, 2048), (2048, 2048, 2048)];

    private static readonly Option<int?> s_batch = OptionFactory.Number<int>("--batch", "TOKENS", "Tokens of a step (default four rows).");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("bench", "Measure this machine, and how near each part of a training step comes to its limits.")
        {
            CommonOptions.Model, s_batch, CommonOptions.Sequence, CommonOptions.Memory, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        int threads = CommonOptions.ReadThreads(parsed);
        Machine machine = MeasureMachine(threads, interruption.Token);
        KeptRates.Calibrate(threads, parsed.GetValue(CommonOptions.Memory), interruption.Token);
        StepProfile profile = MeasureStep(parsed, threads, interruption.Token);
        if (parsed.GetValue(CommonOptions.Json)) WriteJson(machine, profile);
        else WriteText(machine, profile);
        return ExitCode.Done;
    }

    private static Machine MeasureMachine(int threads, CancellationToken cancellation)
    {
        Log.Line("measuring arithmetic, memory and disk …");
        double limit = ArithmeticLimit.Flops(threads);
        using CpuDevice device = new(threads);
        double[] products = [.. s_products.Select(p => MachineMeasurement.MatrixProductFlops(device, p.M, p.N, p.K, Runs))];
        double stream = MachineMeasurement.StreamBytesPerSecond(device, StreamElements, Runs);
        (double write, double read) = DiskMeasurement.Measure(Environment.CurrentDirectory, DiskBytes, cancellation);
        return new Machine(device.Description, limit, products, stream, write, read);
    }

    private static StepProfile MeasureStep(ParseResult parsed, int threads, CancellationToken cancellation)
    {
        ModelConfiguration model = ModelSource.Open(parsed.GetValue(CommonOptions.Model) ?? "preset:nano").Configuration;
        int sequence = parsed.GetValue(CommonOptions.Sequence) ?? Math.Min(model.Context, 256);
        TrainingOptions options = new()
        {
            Model = model,
            Sequence = sequence,
            BatchTokens = parsed.GetValue(s_batch) ?? 4 * sequence,
            Memory = parsed.GetValue(CommonOptions.Memory),
            Threads = threads,
        };
        Log.Line($"training {model.Name} for a few steps of {options.BatchTokens:N0} tokens …");
        return StepProfile.Measure(options, new CpuDevice(threads), threads, model.Parameters > 50_000_000 ? 3 : 20, cancellation: cancellation);
    }

    private static void WriteText(Machine machine, StepProfile profile)
    {
        using StreamWriter stdout = StandardOutput.Open();
        void Line(FormattableString line) => stdout.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"{machine.Description}");
        Line($"arithmetic in registers   {machine.LimitFlops / 1e9,8:0} GFLOP/s   (the limit of any matrix product)");
        for (int i = 0; i < s_products.Length; i++)
            Line($"product {$"{s_products[i].M} x {s_products[i].N} x {s_products[i].K}",-17} {machine.ProductFlops[i] / 1e9,8:0} GFLOP/s   {100 * machine.ProductFlops[i] / machine.LimitFlops,3:0} % of the limit");
        Line($"memory, x = x + y         {machine.StreamBytesPerSecond / 1e9,8:0.0} GB/s");
        Line($"disk, write and flush     {machine.DiskWriteBytesPerSecond / 1e9,8:0.00} GB/s");
        Line($"disk, read again          {machine.DiskReadBytesPerSecond / 1e9,8:0.00} GB/s      (from the system's cache if it has room)");
        TrainingOptions options = profile.Plan.Options;
        Line($"");
        Line($"{options.Model.Name}, {options.BatchTokens} tokens a step, recompute {profile.Plan.Choices.Recompute}: {1e3 * profile.StepSeconds:0.0} ms a step, {options.BatchTokens / profile.StepSeconds:0} tokens/s");
        Line($"{"op",-40} {"count",5} {"ms",9} {"share",7} {"GFLOP/s",9} {"of limit",9} {"GB/s",7}");
        foreach (OpTiming op in profile.Ops)
        {
            double flops = op.Flops / op.Seconds;
            string rate = op.Flops > 0 ? string.Create(CultureInfo.InvariantCulture, $"{flops / 1e9,9:0} {100 * flops / machine.LimitFlops,7:0} %") : $"{"",18}";
            Line($"{op.Name,-40} {op.Count,5} {1e3 * op.Seconds,9:0.00} {100 * op.Seconds / profile.StepSeconds,5:0.0} % {rate} {op.Bytes / op.Seconds / 1e9,8:0.0}");
        }

        Log.Line($"peak memory {new ByteSize(MeasuredMemory.PeakResidentBytes())}");
    }

    private static void WriteJson(Machine machine, StepProfile profile) => StandardOutput.WriteJson(json =>
    {
        json.Text("device", machine.Description);
        json.Number("limitFlops", machine.LimitFlops);
        json.Number("productFlops", machine.ProductFlops.Max());
        json.Number("memoryBytesPerSecond", machine.StreamBytesPerSecond);
        json.Number("diskWriteBytesPerSecond", machine.DiskWriteBytesPerSecond);
        json.Number("diskReadBytesPerSecond", machine.DiskReadBytesPerSecond);
        json.Number("stepSeconds", profile.StepSeconds);
        json.Number("tokensPerSecond", profile.Plan.Options.BatchTokens / profile.StepSeconds);
        json.Object("opSeconds", ops =>
        {
            foreach (OpTiming op in profile.Ops) ops.Number(op.Name, op.Seconds);
        });
    });

    private sealed record Machine(
        string Description, double LimitFlops, double[] ProductFlops, double StreamBytesPerSecond, double DiskWriteBytesPerSecond, double DiskReadBytesPerSecond);
}
