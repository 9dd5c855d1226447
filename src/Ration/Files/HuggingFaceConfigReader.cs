using System.Globalization;
using System.Text.Json;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>Takes a checked <see cref="HuggingFaceLlamaConfig"/> out of a parsed <c>config.json</c>; whatever would change the arithmetic
/// unseen is refused.</summary>
internal sealed class HuggingFaceConfigReader(string path, JsonElement root)
{
    public const string LlamaArchitecture = "LlamaForCausalLM";

    public static string NameOf(DType type) => type switch
    {
        DType.F32 => "float32",
        DType.BF16 => "bfloat16",
        DType.F16 => "float16",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "weights are stored as float32, bfloat16 or float16"),
    };

    public HuggingFaceLlamaConfig ReadLlama()
    {
        if (root.ValueKind != JsonValueKind.Object) throw Fault("the file is not a JSON object", "check which file this is");
        RequireLlama();
        RefuseVariants();
        int hidden = Integer("hidden_size");
        int heads = Integer("num_attention_heads");
        var config = new HuggingFaceLlamaConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Integer("intermediate_size"),
            Layers = Integer("num_hidden_layers"),
            Heads = heads,
            KvHeads = Integer("num_key_value_heads", heads),
            HeadDimension = Integer("head_dim", heads > 0 ? hidden / heads : 0),
            VocabularySize = Integer("vocab_size"),
            MaxPositions = Integer("max_position_embeddings", 2048),
            RopeTheta = RopeTheta(),
            RmsNormEpsilon = Real(root, "rms_norm_eps", 1e-6),
            TieWordEmbeddings = Flag("tie_word_embeddings"),
            TorchDtype = ElementType(),
            Tokenizer = Tokenizer(),
        };
        Check(path, config);
        return config;
    }

    /// <summary>Checks every range and the relations between the numbers.</summary>
    public static void Check(string path, HuggingFaceLlamaConfig config)
    {
        Range(path, "hidden_size", config.HiddenSize, 1, 1 << 20);
        Range(path, "intermediate_size", config.IntermediateSize, 1, 1 << 22);
        Range(path, "num_hidden_layers", config.Layers, 1, 1 << 14);
        Range(path, "num_attention_heads", config.Heads, 1, 1 << 14);
        Range(path, "num_key_value_heads", config.KvHeads, 1, config.Heads);
        Range(path, "head_dim", config.HeadDimension, 2, 1 << 14);
        Range(path, "vocab_size", config.VocabularySize, 1, 1 << 26);
        Range(path, "max_position_embeddings", config.MaxPositions, 1, 1 << 30);
        if (config.Heads % config.KvHeads != 0)
            throw Fault(path, $"num_attention_heads {config.Heads} is not a multiple of num_key_value_heads {config.KvHeads}",
                "make it one");
        if (config.HeadDimension % 2 != 0)
            throw Fault(path, $"head_dim {config.HeadDimension} is odd", "rotary positions need an even one");
        if (!(config.RopeTheta is > 0 and <= 1e15))
            throw Fault(path, $"rope_theta is {Print(config.RopeTheta)}", "give a number above 0 and at most 1e15");
        if (!(config.RmsNormEpsilon is >= 1e-30 and < 1))
            throw Fault(path, $"rms_norm_eps is {Print(config.RmsNormEpsilon)}", "give a number from 1e-30 up to 1");
        if (!config.TorchDtype.IsFloating()) throw Fault(path, $"torch_dtype is {config.TorchDtype}", "give float32, bfloat16 or float16");
    }

    private static string Print(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static void Range(string path, string name, int value, int low, int high)
    {
        if (value < low || value > high) throw Fault(path, $"{name} is {value}", $"give a number from {low} to {high}");
    }

    private static FileFormatException Fault(string path, string what, string howToMend) => new(path, what, howToMend);

    private FileFormatException Fault(string what, string howToMend) => new(path, what, howToMend);

    private void RequireLlama()
    {
        const string Supported = $"only {LlamaArchitecture} is supported";
        if (Present(root, "architectures") is { ValueKind: JsonValueKind.Array } names && names.GetArrayLength() > 0)
        {
            JsonElement first = names[0];
            if (first.ValueKind != JsonValueKind.String || first.GetString() != LlamaArchitecture)
                throw Fault($"the architecture is {InvalidInputException.Quote(first.ToString())}", Supported);
        }
        else if (Text(root, "model_type") is var type && type != "llama")
        {
            throw Fault(type is null ? "the file names no architecture" : $"the model_type is {InvalidInputException.Quote(type)}",
                Supported);
        }
    }

    private void RefuseVariants()
    {
        if (Text(root, "hidden_act") is { } activation && activation is not ("silu" or "swish"))
            throw Fault($"hidden_act is {InvalidInputException.Quote(activation)}", "only silu is supported");
        if (Flag("attention_bias")) throw Fault("attention_bias is true", "only models without biases are supported");
        if (Flag("mlp_bias")) throw Fault("mlp_bias is true", "only models without biases are supported");
        foreach (string key in (ReadOnlySpan<string>)["rope_scaling", "rope_parameters"])
        {
            if (Present(root, key) is not { } rope) continue;
            if (rope.ValueKind != JsonValueKind.Object) throw Fault($"{key} is not an object", "mend it or leave it out");
            string type = Text(rope, "rope_type") ?? Text(rope, "type") ?? "default";
            if (type != "default")
                throw Fault($"{key} asks for rotary positions of type {InvalidInputException.Quote(type)}",
                    "only the default type is supported");
        }

        if (Present(root, "quantization_config") is not null)
            throw Fault("the weights are quantized (quantization_config)", "use the model's unquantized version");
    }

    private double RopeTheta()
    {
        double fallback = Present(root, "rope_parameters") is { } rope ? Real(rope, "rope_theta", 10_000) : 10_000;
        return Real(root, "rope_theta", fallback);
    }

    private DType ElementType()
    {
        string name = Text(root, "torch_dtype") ?? Text(root, "dtype") ?? "float32";
        return name switch
        {
            "float32" => DType.F32,
            "bfloat16" => DType.BF16,
            "float16" => DType.F16,
            _ => throw Fault($"torch_dtype is {InvalidInputException.Quote(name)}", "only float32, bfloat16 and float16 are supported"),
        };
    }

    private string? Tokenizer()
    {
        if (Present(root, "ration") is not { } own) return null;
        if (own.ValueKind != JsonValueKind.Object) throw Fault("ration is not an object", "mend it or leave it out");
        return Text(own, "tokenizer");
    }

    // Null and absent mean the same in these files.
    private static JsonElement? Present(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private int Integer(string name, int? fallback = null)
    {
        if (Present(root, name) is not { } value) return fallback ?? throw Fault($"{name} is missing", "add it");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number)
            ? number
            : throw Fault($"{name} is {InvalidInputException.Quote(value.GetRawText())}", "give a whole number");
    }

    private double Real(JsonElement parent, string name, double fallback)
    {
        if (Present(parent, name) is not { } value) return fallback;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
            ? number
            : throw Fault($"{name} is {InvalidInputException.Quote(value.GetRawText())}", "give a number");
    }

    private bool Flag(string name)
    {
        if (Present(root, name) is not { } value) return false;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw Fault($"{name} is {InvalidInputException.Quote(value.GetRawText())}", "give true or false");
    }

    private string? Text(JsonElement parent, string name)
    {
        if (Present(parent, name) is not { } value) return null;
        return value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : throw Fault($"{name} is {InvalidInputException.Quote(value.GetRawText())}", "give a string");
    }
}
