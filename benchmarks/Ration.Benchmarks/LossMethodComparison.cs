using System.Globalization;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// The ways to compute the vocabulary head and its loss, forward and backward, in turn with each other on random numbers; then what each
/// of them would hold for Gemma 2's head and 8,192 tokens, which is planned and not run.
/// </summary>
internal static class LossMethodComparison
{
    private static readonly (string Name, LossOptions Loss, bool InOrder)[] s_methods =
    [
        ("full", new LossOptions { Method = LossMethod.Full }, true), ("chunked", new LossOptions { Method = LossMethod.Chunked }, true), ("cut", new LossOptions(), true),
        ("cut-filtered, vocabulary as it is", new LossOptions { Method = LossMethod.Filtered }, false), ("cut-filtered", new LossOptions { Method = LossMethod.Filtered }, true),
        ("sampled, a tenth", new LossOptions { Method = LossMethod.Sampled }, true),
    ];

    // Hidden states of 8,192 tokens and the head, in F32.
    private const long GemmaBytes = (8192L + 256_000) * 2304 * sizeof(float);

    /// <summary>Runs the benchmark.</summary>
    public static int Run(string[] arguments)
    {
        int rounds = Options.Number(arguments, "--rounds", 3), threads = Options.Number(arguments, "--threads", Environment.ProcessorCount);
        int tokens = Options.Number(arguments, "--tokens", 1024), width = Options.Number(arguments, "--width", 768), vocabulary = Options.Number(arguments, "--vocabulary", 32_000);
        Console.WriteLine($"{tokens} x {width} x {vocabulary}, {threads} threads, least and median of {rounds} rounds");
        double[][] seconds = [.. s_methods.Select(_ => new double[rounds])];
        ProgramTimer[] timers = [.. s_methods.Select(m => Timer(m.Loss, m.InOrder, tokens, width, vocabulary, threads))];
        foreach (ProgramTimer timer in timers) timer.Seconds();
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < timers.Length; i++) seconds[i][round] = timers[i].Seconds();
        }

        // On a machine with other work the least time says more than the median.
        double[] least = [.. seconds.Select(static s => s.Min())], medians = [.. seconds.Select(static s => s.Order().ElementAt(s.Length / 2))];
        for (int i = 0; i < timers.Length; i++)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{s_methods[i].Name,-36} {least[i],8:F3} s, {least[i] / least[0]:F2} of full; median {medians[i],8:F3} s, {medians[i] / medians[0]:F2}; "
                + $"{new ByteSize(ExtraBytes(timers[i].Program)),10} extra"));
            timers[i].Dispose();
        }

        Console.WriteLine("planned: 8192 x 2304 x 256000");
        foreach ((string name, LossOptions loss, bool inOrder) in s_methods)
        {
            StepProgram forward = CompileGemma(loss, inOrder, backward: false, threads), whole = CompileGemma(loss, inOrder, backward: true, threads);
            Console.WriteLine(
                $"{name,-36} loss {new ByteSize(forward.ArenaBytes - GemmaBytes),10}, loss and gradients {new ByteSize(whole.ArenaBytes - GemmaBytes),10}, "
                + $"of which {new ByteSize(ExtraBytes(whole)),10} are not the gradients");
        }

        return 0;
    }

    /// <summary>Bytes that the loss of Gemma 2's head and 8,192 tokens needs besides weights and hidden states.</summary>
    public static long GemmaLossBytes(LossOptions loss) => CompileGemma(loss, inOrder: true, backward: false, threads: 2).ArenaBytes - GemmaBytes;

    private static StepProgram CompileGemma(LossOptions loss, bool inOrder, bool backward, int threads)
    {
        using CpuDevice device = new(threads);
        return StepProgram.Compile(Build(loss, inOrder, 8192, 2304, 256_000, backward), device);
    }

    // What the program holds that any method would not have to.
    private static long ExtraBytes(StepProgram program) => program.ArenaBytes - (2 * program.Graph.Persistent.Sum(static v => v.Bytes));

    private static Graph Build(LossOptions loss, bool inOrder, int tokens, int width, int vocabulary, bool backward)
    {
        GraphBuilder builder = new();
        Value hidden = builder.Parameter("hidden", new Shape(tokens, width)), weight = builder.Parameter("weight", new Shape(vocabulary, width));
        Value targets = builder.Input("targets", new Shape(tokens), DType.I32), scale = builder.Input("scale", Shape.Scalar);
        Value? sample = loss.Method == LossMethod.Sampled ? builder.Input(TrainingGraph.SampledClasses, new Shape(loss.SampleRoom(vocabulary, tokens)), DType.I32) : null;
        Value result = builder.LinearCrossEntropy(hidden, weight, targets, scale, inOrder ? loss.Op : loss.Op with { OrderVocabulary = false }, sample);
        builder.Output(result);
        if (!backward) return builder.Build();
        foreach (Value gradient in Differentiation.Backward(builder, new Dictionary<Value, Value?> { [result] = null }).Values) builder.Output(gradient);
        return builder.Build();
    }

    private static ProgramTimer Timer(LossOptions loss, bool inOrder, int tokens, int width, int vocabulary, int threads)
    {
        ProgramTimer timer = new(Build(loss, inOrder, tokens, width, vocabulary, backward: true), threads, static v => v.Name == "hidden" ? 1 : 0.02f);
        CounterRandom random = new(3, 4);
        int[] ids = new int[tokens];
        for (int i = 0; i < ids.Length; i++) ids[i] = (int)(random.Uniform((ulong)i) * vocabulary);
        timer.Executor.Write<int>(timer.Program, "targets", ids);
        timer.Executor.WriteScalar(timer.Program, "scale", 1f / tokens);
        if (loss.Method != LossMethod.Sampled) return timer;
        ClassSampler sampler = new(vocabulary, loss.SampledClasses(vocabulary), loss.SampleRoom(vocabulary, tokens), seed: 1);
        sampler.AddTargets(ids);
        timer.Executor.Write(timer.Program, TrainingGraph.SampledClasses, sampler.Draw(1));
        return timer;
    }
}
