using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Ration.Data;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Inference;
using Ration.Memory;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tensors;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// The perplexity of GGUF files on a text, as llama.cpp's own program computes it: the text in chunks of the context, of each the second half
/// scored. Ours with weights as they are stored, once with whole chunks at a time and once token by token beside a cache in F16.
/// </summary>
internal static class PerplexityAgainstLlamaCpp
{
    /// <summary>Compares the files given: LLAMA-PERPLEXITY GGUF … TEXT [--context N] [--chunks N] [--threads N].</summary>
    public static int Run(string[] arguments)
    {
        string[] files = [.. arguments.Where(static a => a.EndsWith(".gguf", StringComparison.Ordinal))];
        int context = Options.Number(arguments, "--context", 256), most = Options.Number(arguments, "--chunks", 40), threads = Options.Number(arguments, "--threads", Environment.ProcessorCount);
        if (files.Length == 0 || arguments.Length < files.Length + 2) throw new InvalidInputException("give the path of llama-perplexity, some .gguf files, and a text");
        string text = arguments[files.Length + 1];
        Console.WriteLine($"{"",-28} {"llama.cpp",10} {"chunks",10} {"ratio",8} {"tokens",10} {"ratio",8}");
        foreach (string file in files)
        {
            double peer = Peer(arguments[0], file, text, context, most, threads);
            (double whole, double single) = Measure(file, text, context, most, threads);
            Console.WriteLine($"{Path.GetFileNameWithoutExtension(file),-28} {peer,10:0.0000} {whole,10:0.0000} {whole / peer,8:0.00000} {single,10:0.0000} {single / peer,8:0.00000}");
        }

        return 0;
    }

    private static (double Whole, double Single) Measure(string file, string text, int context, int most, int threads)
    {
        using StoredModel model = StoredModel.Open(file);
        TokenizerDescription description = ModelTokenizer.Describe(model);
        int[][] chunks = Chunks(description, text, context, most);
        return (Math.Exp(WholeChunks(model, chunks, context, threads)), Math.Exp(TokenByToken(model, chunks, context, threads)));
    }

    // Where texts begin with a token of their own, it takes the first place of each chunk.
    private static int[][] Chunks(TokenizerDescription description, string path, int context, int most)
    {
        string text = File.ReadAllText(path, Encoding.UTF8);
        // That program takes one line break off the end.
        if (text.EndsWith('\n')) text = text[..^1];
        TextTokenizer tokenizer = description.Tokenizer as TextTokenizer ?? new TextTokenizer(description.Tokenizer, []);
        int[][] chunks = [.. tokenizer.Encode(text, null).Chunk(context).Where(c => c.Length == context).Take(most)];
        if (description is { AddBeginning: true, BeginningId: { } beginning }) foreach (int[] chunk in chunks) chunk[0] = beginning;
        return chunks;
    }

    // The mean negative log-likelihood of the tokens after the first half.
    private static double WholeChunks(StoredModel model, int[][] chunks, int context, int threads)
    {
        CpuDevice device = new(threads);
        Graph graph = TrainingGraph.BuildEvaluation(new TrainingStep(model.Configuration, 1, context, new Sgd()), 1);
        graph = new WeightStorage((name, shape) => TypeOf(model, name, shape)).Apply(graph);
        var program = StepProgram.Compile(graph, device);
        using Executor executor = new(device, program);
        model.Load(graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights), executor);
        int[] targets = new int[context], positions = [.. Enumerable.Range(0, context)], ranges = [.. positions.SelectMany(static p => (int[])[0, p])];
        double sum = 0;
        foreach (int[] chunk in chunks)
        {
            for (int i = 0; i < context; i++) targets[i] = i < context / 2 || i == context - 1 ? PackedBatches.IgnoredTarget : chunk[i + 1];
            executor.Write<int>(program, ModelInputs.TokensName, chunk);
            executor.Write<int>(program, TrainingGraph.Targets, targets);
            executor.Write<int>(program, ModelInputs.PositionsName, positions);
            executor.Write<int>(program, ModelInputs.KeyRangesName, ranges);
            executor.WriteScalar(program, TrainingGraph.LossScale, 1);
            executor.Run(program, Phase.Repeat);
            sum += executor.ReadScalar(program, TrainingGraph.Loss);
        }

        return sum / chunks.Length / Scored(context);
    }

    private static double TokenByToken(StoredModel model, int[][] chunks, int context, int threads)
    {
        GenerationOptions options = new()
        {
            Model = model.Configuration,
            PromptTokens = context,
            MaxTokens = 1,
            CacheType = DType.F16,
            StoredType = (name, shape) => TypeOf(model, name, shape),
            Threads = threads,
        };
        using Generator generator = new(GenerationPlan.Create(options, new CpuDevice(threads)));
        model.Load(generator.Weights, generator.Executor);
        double sum = 0;
        foreach (int[] chunk in chunks)
        {
            generator.Reset();
            if (context > 1) generator.Feed(chunk.AsSpan(0, context / 2));
            for (int i = context / 2; i < context - 1; i++) sum += NegativeLogLikelihood(generator.Feed(chunk.AsSpan(i, 1)), chunk[i + 1]);
        }

        return sum / chunks.Length / Scored(context);
    }

    private static int Scored(int context) => context - 1 - (context / 2);

    private static DType TypeOf(StoredModel model, string name, Shape shape) => shape.Rank > 1 ? model.TypeOf(name) : DType.F32;

    private static double NegativeLogLikelihood(ReadOnlySpan<float> logits, int token)
    {
        double greatest = double.NegativeInfinity, sum = 0;
        foreach (float logit in logits) greatest = Math.Max(greatest, logit);
        foreach (float logit in logits) sum += Math.Exp(logit - greatest);
        return greatest + Math.Log(sum) - logits[token];
    }

    private static double Peer(string program, string file, string text, int context, int chunks, int threads)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-m", file, "-f", text, "-c", Number(context), "--chunks", Number(chunks), "-t", Number(threads)]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        StringBuilder said = new();
        process.ErrorDataReceived += (_, line) => said.AppendLine(line.Data);
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Match found = Regex.Match(said.Append(output).ToString(), @"Final estimate: PPL = ([0-9.]+)");
        return found.Success ? double.Parse(found.Groups[1].Value, CultureInfo.InvariantCulture) : throw new InvalidInputException($"{program} gives no perplexity of {file}; run it to see why");
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
