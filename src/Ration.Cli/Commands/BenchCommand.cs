using System.CommandLine;
using System.Globalization;
using Ration.Cli.Output;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Training;

namespace Ration.Cli.Commands;

/// <summary><c>ration bench</c>: what this machine can do, and how near each part of a training step comes to it.</summary>
internal static class BenchCommand
{
    private const long DiskBytes = 256L << 20;
    private const long MostStreamElements = 16 << 20;
    private const int Runs = 9;

    // A process that has run every update rule holds the machine code of them all.
    private const long CodeOfRules = 20L << 20;

    private static readonly (long M, long N, long K)[] s_products = [(768, 768, 768), (1024, 2048, 768), (1024, 768, 2048), (2048, 2048, 2048)];

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("bench", "Measure this machine, and how near each part of a training step comes to its limits.")
        {
            CommonOptions.Model, CommonOptions.Batch, CommonOptions.Sequence, CommonOptions.Memory, CommonOptions.Threads, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        TrainingOptions options = ReadOptions(parsed);
        int threads = options.Threads;
        CommonOptions.NoteMemory(parsed);
        RequireRoom(options);
        long memory = options.Memory!.Value.Bytes;
        Machine machine = MeasureMachine(threads, memory - RuntimeFootprint.Reserve(threads, CodeOfRules), interruption.Token);
        KeptRates.Calibrate(threads, new ByteSize(memory - CodeOfRules), interruption.Token);
        Log.Line($"training {options.Model.Name} for a few steps of {options.BatchTokens:N0} tokens …");
        StepProfile profile = StepProfile.Measure(options, new CpuDevice(threads), options.Model.Parameters > 50_000_000 ? 3 : 20, hostBytes: CodeOfRules, cancellation: interruption.Token);
        if (parsed.GetValue(CommonOptions.Json)) WriteJson(machine, profile);
        else WriteText(machine, profile);
        return ExitCode.Done;
    }

    // Before anything is measured: a minute later would be late.
    private static void RequireRoom(TrainingOptions options)
    {
        using CpuDevice device = new(options.Threads);
        TrainingPlan.Create(options, device, CodeOfRules);
        ByteSize smallest = new(RuntimeFootprint.Reserve(options.Threads, CodeOfRules) + MachineMeasurement.MostBytes);
        ByteSize budget = options.Memory!.Value;
        if (budget.Bytes < smallest.Bytes) throw new MemoryBudgetException($"measuring this machine does not fit {budget}: {MemoryBudgetException.Words(smallest)}", budget, smallest);
    }

    private static Machine MeasureMachine(int threads, long room, CancellationToken cancellation)
    {
        Log.Line("measuring arithmetic, memory and disk …");
        double limit = ArithmeticLimit.Flops(threads);
        using CpuDevice device = new(threads);
        (long M, long N, long K)[] sizes = [.. s_products.Where(p => MachineMeasurement.ProductBytes(p.M, p.N, p.K) <= room)];
        double[] products = [.. sizes.Select(p => MachineMeasurement.MatrixProductFlops(device, p.M, p.N, p.K, Runs))];
        double stream = MachineMeasurement.StreamBytesPerSecond(device, Math.Min(MostStreamElements, MachineMeasurement.StreamElementsIn(room)), Runs);
        (double write, double read) = DiskMeasurement.Measure(Environment.CurrentDirectory, DiskBytes, cancellation);
        return new Machine(device.Description, limit, [.. sizes.Zip(products, static (p, flops) => ($"{p.M} x {p.N} x {p.K}", flops))], stream, write, read);
    }

    private static TrainingOptions ReadOptions(ParseResult parsed)
    {
        ModelConfiguration model = ModelSource.Open(parsed.GetValue(CommonOptions.Model) ?? CommonOptions.DefaultModel).Configuration;
        int sequence = parsed.GetValue(CommonOptions.Sequence) ?? Math.Min(model.Context, 256);
        return new TrainingOptions
        {
            Model = model,
            Sequence = sequence,
            BatchTokens = parsed.GetValue(CommonOptions.Batch) ?? 4 * sequence,
            Memory = parsed.GetValue(CommonOptions.Memory) ?? new ByteSize(MeasuredMemory.DefaultBudgetBytes()),
            Threads = CommonOptions.ReadThreads(parsed),
        };
    }

    private static void WriteText(Machine machine, StepProfile profile)
    {
        using StreamWriter stdout = StandardOutput.Open();
        void Line(FormattableString line) => stdout.WriteLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"{machine.Description}");
        Line($"arithmetic in registers   {machine.LimitFlops / 1e9,8:0} GFLOP/s   (the limit of any matrix product)");
        foreach ((string size, double flops) in machine.Products)
            Line($"product {size,-17} {flops / 1e9,8:0} GFLOP/s   {100 * flops / machine.LimitFlops,3:0} % of the limit");
        Line($"memory, x = x + y         {machine.StreamBytesPerSecond / 1e9,8:0.0} GB/s");
        Line($"disk, write and flush     {machine.DiskWriteBytesPerSecond / 1e9,8:0.00} GB/s");
        Line($"disk, read again          {machine.DiskReadBytesPerSecond / 1e9,8:0.00} GB/s      (from the system's cache if it has room)");
        TrainingOptions options = profile.Plan.Options;
        Line($"");
        string speed = string.Create(CultureInfo.InvariantCulture, $"{1e3 * profile.StepSeconds:0.0} ms a step, {options.BatchTokens / profile.StepSeconds:0} tokens/s");
        Line($"{options.Model.Name}, {options.BatchTokens} tokens a step, recompute {profile.Plan.Choices.Recompute}: {speed}");
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
        json.Number("productFlops", machine.Products.Max(static p => p.Flops));
        json.Number("memoryBytesPerSecond", machine.StreamBytesPerSecond);
        json.Number("diskWriteBytesPerSecond", machine.DiskWriteBytesPerSecond);
        json.Number("diskReadBytesPerSecond", machine.DiskReadBytesPerSecond);
        json.Number("stepSeconds", profile.StepSeconds);
        json.Number("measuredPeakBytes", MeasuredMemory.PeakResidentBytes());
        json.Number("tokensPerSecond", profile.Plan.Options.BatchTokens / profile.StepSeconds);
        json.Object("opSeconds", ops =>
        {
            foreach (OpTiming op in profile.Ops) ops.Number(op.Name, op.Seconds);
        });
    });

    private sealed record Machine(
        string Description, double LimitFlops, (string Size, double Flops)[] Products, double StreamBytesPerSecond, double DiskWriteBytesPerSecond, double DiskReadBytesPerSecond);
}
