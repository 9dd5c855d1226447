using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Inference;
using Ration.Models;

namespace Ration.Tests.Inference;

/// <summary>The small trained model beside the project, in llama2.c's first format, and what an independent program computed with it.</summary>
internal static class StoriesCheckpoint
{
    private static readonly string s_folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "..", "shared", "data"));

    /// <summary>Skips the test where the files are not there.</summary>
    public static void Require() => Assert.SkipUnless(
        File.Exists(Path.Combine(s_folder, "stories260K.bin")) && File.Exists(Path.Combine(s_folder, "stories260K.reference.json")),
        $"{s_folder} has no stories260K.bin and stories260K.reference.json");

    /// <summary>What must come out.</summary>
    public static JsonElement Reference() => JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "stories260K.reference.json"))).RootElement;

    /// <summary>The numbers of the model.</summary>
    public static ModelConfiguration Configuration()
    {
        int[] header = MemoryMarshal.Cast<byte, int>(Bytes().AsSpan(0, 28)).ToArray();
        return new ModelConfiguration
        {
            Name = "stories260K",
            Width = header[0],
            HiddenWidth = header[1],
            Layers = header[2],
            Heads = header[3],
            KvHeads = header[4],
            Vocabulary = header[5],
            HeadDimension = header[0] / header[3],
            Context = header[6],
            RotaryPairing = RotaryPairing.Neighbours,
            TiedEmbeddings = true,
        };
    }

    /// <summary>Writes the weights into a generator.</summary>
    public static void Load(Generator generator)
    {
        Dictionary<string, long> offsets = Offsets(Configuration());
        byte[] bytes = Bytes();
        foreach (Value weight in generator.Weights) generator.Executor.WritePersistent(weight, 0, bytes.AsSpan((int)offsets[weight.Name], (int)weight.Bytes));
    }

    private static byte[] Bytes() => File.ReadAllBytes(Path.Combine(s_folder, "stories260K.bin"));

    // Each kind of tensor stands for all layers before the next kind.
    private static Dictionary<string, long> Offsets(ModelConfiguration m)
    {
        Dictionary<string, long> offsets = [];
        long at = 28, width = m.Width, keys = (long)m.KvHeads * m.HeadDimension;
        void Take(string name, long elements, bool layers)
        {
            for (int i = 0; i < (layers ? m.Layers : 1); i++, at += elements * sizeof(float))
                offsets[layers ? $"model.layers.{i}.{name}.weight" : $"model.{name}.weight"] = at;
        }

        Take("embed_tokens", m.Vocabulary * width, false);
        Take("input_layernorm", width, true);
        Take("self_attn.q_proj", width * width, true);
        Take("self_attn.k_proj", keys * width, true);
        Take("self_attn.v_proj", keys * width, true);
        Take("self_attn.o_proj", width * width, true);
        Take("post_attention_layernorm", width, true);
        Take("mlp.gate_proj", m.HiddenWidth * width, true);
        Take("mlp.down_proj", m.HiddenWidth * width, true);
        Take("mlp.up_proj", m.HiddenWidth * width, true);
        Take("norm", width, false);
        return offsets;
    }

    private static string Here([CallerFilePath] string path = "") => path;
}
