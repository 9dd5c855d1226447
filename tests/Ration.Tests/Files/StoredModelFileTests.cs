using System.Text.Json;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Files;
using Ration.Graphs;
using Ration.Models;
using Ration.Optimizers;
using Ration.Planning;
using Ration.Training;

namespace Ration.Tests.Files;

/// <summary>Whole files: a trained one, and damaged ones.</summary>
public sealed class StoredModelFileTests
{
    [Fact]
    public void The_trained_checkpoint_has_the_same_loss_from_every_layout()
    {
        string checkpoint = SharedData.Require("stories260K.bin");
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllText(SharedData.Require("stories260K.reference.json")));
        int[][] texts = [.. reference.RootElement.GetProperty("sampled").EnumerateArray().Take(3).Select(static t => t.EnumerateArray().Select(static id => id.GetInt32()).ToArray())];
        double[] expected = [.. reference.RootElement.GetProperty("meanNegativeLogLikelihood").EnumerateArray().Take(3).Select(static l => l.GetDouble())];
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(checkpoint))
        {
            Assert.Equal(ModelFileKind.LlamaTwoC, model.Kind);
            Conversion.ToGguf(model, work["model.gguf"]);
        }

        using (StoredModel gguf = StoredModel.Open(work["model.gguf"])) Conversion.ToHuggingFace(gguf, work["folder"]);
        foreach (string path in (string[])[checkpoint, work["model.gguf"], work["folder"]])
        {
            double[] losses = Losses(path, texts);
            for (int i = 0; i < losses.Length; i++) Assert.InRange(losses[i], expected[i] - 1e-5, expected[i] + 1e-5);
        }
    }

    [Theory]
    [InlineData(ModelFamily.Llama)]
    [InlineData(ModelFamily.Gemma3)]
    [InlineData(ModelFamily.Phi3)]
    [InlineData(ModelFamily.Qwen2Moe)]
    [InlineData(ModelFamily.Gpt2)]
    public void Damaged_GGUF_models_give_one_kind_of_error(ModelFamily family)
    {
        using FamilyFolder folder = new(family);
        using TemporaryFolder work = new();
        using (StoredModel model = StoredModel.Open(folder.Path)) Conversion.ToGguf(model, work["model.gguf"]);
        byte[] good = File.ReadAllBytes(work["model.gguf"]);
        Random random = new((int)family);
        int refused = 0;
        for (int round = 0; round < 300; round++)
        {
            byte[] bytes = (byte[])good.Clone();
            // Metadata and tensor list, not the numbers.
            for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(24, 3000)] = (byte)(random.Next(4) == 0 ? 0xFF : random.Next(256));
            work.Write("bad.gguf", bytes);
            try
            {
                StoredModel.Open(work["bad.gguf"]).Dispose();
            }
            catch (InvalidInputException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 100, 299);
    }

    [Fact]
    public void What_is_no_model_is_refused_in_words()
    {
        using TemporaryFolder work = new();
        Assert.Contains("there is no model", Assert.Throws<InvalidInputException>(() => StoredModel.Open(work["nothing"])).Message, StringComparison.Ordinal);
        work.Write("text.gguf", "this is a text and no model");
        Assert.Contains("not with GGUF", Assert.Throws<FileFormatException>(() => StoredModel.Open(work["text.gguf"])).Message, StringComparison.Ordinal);
        work.Write("text.bin", "this is a text and no model and longer than a header");
        Assert.Throws<FileFormatException>(() => StoredModel.Open(work["text.bin"]));
        work.Write("config.json", FamilyFolder.Config(ModelFamily.Llama));
        Assert.Throws<InvalidInputException>(() => StoredModel.Open(work.Path));
        Assert.Equal(ModelFamily.Llama, ModelFolder.ReadConfiguration(work.Path).Family);
    }

    private static double[] Losses(string path, int[][] texts)
    {
        using StoredModel model = StoredModel.Open(path);
        int length = texts[0].Length;
        CpuDevice device = new(1);
        StepProgram program = StepProgram.Compile(TrainingGraph.BuildEvaluation(new TrainingStep(model.Configuration, 1, length, new Sgd()), 1), device);
        using Executor executor = new(device, program);
        model.Load(program.Graph.Persistent, executor);
        int[] ranges = new int[2 * length];
        for (int i = 0; i < length; i++) ranges[(2 * i) + 1] = i;
        return
        [
            .. texts.Select(text =>
            {
                executor.Write<int>(program, "tokens", text);
                executor.Write<int>(program, "targets", [.. text[1..], -1]);
                executor.Write<int>(program, "positions", Enumerable.Range(0, length).ToArray());
                executor.Write<int>(program, "keyRanges", ranges);
                executor.WriteScalar(program, TrainingGraph.LossScale, 1f / (length - 1));
                executor.Run(program, Phase.Repeat);
                return (double)executor.ReadScalar(program, TrainingGraph.Loss);
            }),
        ];
    }
}
