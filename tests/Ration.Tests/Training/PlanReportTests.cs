using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Training;

public class PlanReportTests
{
    public static TheoryData<string, int, int, string> Plans => new()
    {
        { "nano", 1024, 64, "1GiB" },
        { "nano", 1024, 64, "20GiB" },
        { "small", 16_384, 512, "3GiB" },
        { "llama-3.1-8b", 16_384, 2048, "128GiB" },
        { "llama-3.1-70b", 2048, 2048, "900GiB" },
    };

    [Theory]
    [MemberData(nameof(Plans))]
    public void Rows_add_up_to_the_planned_peak_to_the_byte(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = Report(preset, batch, sequence, memory);
        Assert.Equal(report.Plan.PlannedPeakBytes, report.Rows.Sum(static r => r.Bytes));
        Assert.Equal(1, report.Rows.Sum(static r => r.Share), 1e-12);
        Assert.All(report.Rows, static r => Assert.True(r.Bytes >= 0, r.Name));
        MemoryTimeline timeline = report.Plan.Program.Timeline;
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>()) Assert.Equal(timeline.AtPeak(kind), Assert.Single(report.Rows, r => r.Kind == kind).Bytes);
        Assert.Equal(report.Plan.RuntimeBytes, Assert.Single(report.Rows, static r => r.Name == "runtime").Bytes);
    }

    [Theory]
    [InlineData(55)]
    [InlineData(80)]
    [InlineData(100)]
    public void A_table_keeps_within_the_columns_that_there_are(int width)
    {
        TrainingOptions options = new() { Model = Presets.Get("small"), BatchTokens = 1024, Sequence = 256, Memory = ByteSize.Parse("1300MiB"), Quality = MethodQuality.High, Threads = 2 };
        using CpuDevice device = new(2);
        PlanReport report = PlanReport.Of(TrainingPlan.Create(options, device), MachineRates.Nominal);
        Assert.Contains(report.Choices, static c => c.Name == "methods");
        string table = report.ToString(width);
        Assert.All(table.Split('\n'), line => Assert.InRange(line.Length, 0, width));
        Assert.Equal(Words(report.ToString()), Words(table));

        static string[] Words(string table) => [.. table.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(static w => !w.All(static c => c is '#' or '-'))];
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void What_is_alive_adds_up_to_the_timeline_at_every_instruction(string preset, int batch, int sequence, string memory)
    {
        StepProgram program = Report(preset, batch, sequence, memory).Plan.Program;
        int stride = Math.Max(1, program.Instructions.Count / 50);
        for (int i = 0; i < program.Instructions.Count; i += stride) AssertAlive(program, i);
        AssertAlive(program, program.Timeline.PeakInstruction);
        AssertAlive(program, program.Instructions.Count - 1);
    }

    [Fact]
    public void A_live_buffer_is_named_after_what_was_written_last()
    {
        StepProgram program = Report("nano", 1024, 64, "1GiB").Plan.Program;
        for (int i = 0; i < program.Instructions.Count; i++)
        {
            Node node = program.Graph.Nodes[i];
            IReadOnlyList<LiveBuffer> alive = program.AliveAt(i);
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                LiveBuffer holder = Assert.Single(alive, b => b.Offset == program.Instructions[i].Outputs[output] && b.Bytes > 0);
                Assert.Equal((node.Outputs[output].Name, node.Scope), (holder.Name, holder.Scope));
            }
        }
    }

    [Fact]
    public void Asking_beyond_the_program_is_refused()
    {
        StepProgram program = Report("nano", 1024, 64, "1GiB").Plan.Program;
        Assert.Throws<ArgumentOutOfRangeException>(() => program.AliveAt(program.Instructions.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => program.AliveAt(-1));
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void The_peak_is_named_and_its_largest_buffers_are_grouped_by_block(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = Report(preset, batch, sequence, memory);
        StepProgram program = report.Plan.Program;
        Node node = program.Graph.Nodes[program.Timeline.PeakInstruction];
        Assert.NotNull(report.Peak);
        Assert.Equal((program.Timeline.PeakInstruction, node.Scope, node.Pass), (report.Peak.Instruction, report.Peak.Scope, report.Peak.Pass));
        Assert.StartsWith(node.Op.Name, report.Peak.Operation, StringComparison.Ordinal);
        Assert.True(report.Peak.Seconds > 0 && report.Peak.Seconds < report.StepSeconds);
        foreach (PlanBuffer buffer in report.Largest.Where(static b => b.Persistent))
        {
            string[] ends = buffer.Name.Split('*');
            Value[] members = [.. program.Graph.Persistent.Where(v => v.Name.StartsWith(ends[0], StringComparison.Ordinal)
                && v.Name.EndsWith(ends[^1], StringComparison.Ordinal) && (ends.Length == 2 || v.Name == buffer.Name))];
            Assert.Equal((ends.Length == 2 ? report.Plan.Options.Model.Layers : 1, members.Sum(static v => v.Bytes)), (buffer.Count, buffer.Bytes));
            Assert.All(members, v => Assert.Equal(buffer.Kind, v.Kind));
        }

        foreach (PlanBuffer[] half in report.Largest.GroupBy(static b => b.Persistent).Select(static h => h.ToArray()))
            Assert.Equal(half.OrderByDescending(static b => b.Bytes).Select(static b => b.Bytes), half.Select(static b => b.Bytes));
        Assert.Contains(report.Largest, static b => b.Persistent);
        Assert.Contains(report.Largest, static b => !b.Persistent);
    }

    [Fact]
    public void Speed_follows_from_the_rates()
    {
        PlanReport slow = Report("nano", 1024, 64, "1GiB"), fast = PlanReport.Of(slow.Plan, new MachineRates(200e9, 30e9, 1e-6));
        Assert.Equal(2, slow.StepSeconds / fast.StepSeconds, 1e-9);
        Assert.Equal(1024, slow.TokensPerSecond * slow.StepSeconds, 1e-6);
        Assert.Equal(853_120, slow.Parameters);
    }

    [Theory]
    [MemberData(nameof(Plans))]
    public void The_table_names_every_purpose_and_choice_within_its_width(string preset, int batch, int sequence, string memory)
    {
        PlanReport report = Report(preset, batch, sequence, memory);
        string text = report.ToString();
        string[] lines = text.Split('\n');
        Assert.All(lines, static line => Assert.True(line.Length <= 100 && line == line.TrimEnd(), line));
        foreach (PlanRow row in report.Rows) Assert.Equal(row.Bytes > 0,
            lines.Any(line => line.StartsWith($"  {row.Name} ", StringComparison.Ordinal) && line.Contains(new ByteSize(row.Bytes).ToString(), StringComparison.Ordinal)));
        foreach (PlanReason reason in report.Choices) Assert.Contains(lines, line => line.Contains(reason.Name, StringComparison.Ordinal) && line.Contains(reason.Choice, StringComparison.Ordinal));
        Assert.Contains($"{new ByteSize(report.PlannedPeakBytes)}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Seventy_billion_parameters_are_planned_and_refused_in_seconds()
    {
        TimeSpan start = ThreadClock.Used();
        PlanReport report = Report("llama-3.1-70b", 8192, 2048, "1200GiB");
        Assert.True(report.PlannedPeakBytes <= report.BudgetBytes);
        MemoryBudgetException refusal = Assert.Throws<MemoryBudgetException>(() => Report("llama-3.1-70b", 8192, 2048, "16GiB"));
        Assert.True(refusal.Smallest.Bytes > 4L * 3 * report.Parameters);
        TimeSpan used = ThreadClock.Used() - start;
        Assert.True(used < TimeSpan.FromSeconds(20), $"{used} of processor time");
    }

    internal static PlanReport Report(string preset, int batch, int sequence, string memory) => Report(Presets.Get(preset), batch, sequence, memory);

    internal static PlanReport Report(ModelConfiguration model, int batch, int sequence, string memory)
    {
        TrainingOptions options = new() { Model = model, BatchTokens = batch, Sequence = sequence, Memory = ByteSize.Parse(memory) };
        return PlanReport.Of(TrainingPlan.Create(options, new NullDevice(2)), MachineRates.Nominal);
    }

    private static void AssertAlive(StepProgram program, int instruction)
    {
        IReadOnlyList<LiveBuffer> alive = program.AliveAt(instruction);
        foreach (MemoryKind kind in Enum.GetValues<MemoryKind>())
            Assert.Equal(program.Timeline[instruction, kind], alive.Where(b => b.Kind == kind).Sum(static b => b.Bytes));
        Assert.All(alive, static b => Assert.NotEmpty(b.Name));
        LiveBuffer[] inOrder = [.. alive.Where(static b => b.Bytes > 0).OrderBy(static b => b.Offset)];
        for (int i = 1; i < inOrder.Length; i++)
            Assert.True(inOrder[i - 1].Offset + inOrder[i - 1].Bytes <= inOrder[i].Offset, $"{inOrder[i - 1]} and {inOrder[i]} overlap");
        Assert.True(inOrder[^1].Offset + inOrder[^1].Bytes <= program.ArenaBytes);
    }
}
