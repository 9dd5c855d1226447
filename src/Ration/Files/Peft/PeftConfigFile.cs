using System.Text.Json;
using Ration.Files.HuggingFace;

namespace Ration.Files.Peft;

/// <summary>Reads and writes <c>adapter_config.json</c>; whatever would change the arithmetic unseen is refused by its name.</summary>
internal static class PeftConfigFile
{
    public const string Name = "adapter_config.json";

    private const int LargestRank = 1 << 16;
    private const double LargestAlpha = 1e9;

    // Kinds of adapters that share the word LORA; PEFT writes the key also where the kind is not used.
    private static readonly string[] s_unsupported =
    [
        "layer_replication", "megatron_config", "trainable_token_indices", "target_parameters", "alora_invocation_tokens", "arrow_config", "corda_config", "lora_bias", "use_qalora",
        "use_bdlora", "kasa_config", "monteclora_config", "lora_ga_config",
    ];

    // Notes, how training began, and which modules were chosen, which the tensors say.
    private static readonly string[] s_withoutEffect =
    [
        "init_lora_weights", "auto_mapping", "revision", "inference_mode", "peft_version", "exclude_modules", "layers_pattern", "layers_to_transform", "loftq_config", "eva_config",
        "megatron_core", "qalora_group_size", "runtime_config",
    ];

    /// <summary>Reads and checks the configuration of an adapter folder.</summary>
    /// <exception cref="FileFormatException">It is damaged or of a kind that is not supported.</exception>
    /// <exception cref="InvalidInputException">It is missing or may not be read.</exception>
    public static PeftConfig Read(string folder) => HuggingFaceFolder.ReadJson(Path.Combine(folder, Name), Parse);

    /// <summary>Writes the configuration atomically.</summary>
    public static void Write(string folder, PeftConfig config) => AtomicFile.Write(Path.Combine(folder, Name), stream =>
    {
        using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        WritePattern(json, "alpha_pattern", config.AlphaPattern, static (json, alpha) => json.WriteNumberValue(alpha));
        json.WriteString("base_model_name_or_path", config.BaseModel);
        json.WriteString("bias", "none");
        if (config.KeepsTies) json.WriteBoolean("ensure_weight_tying", true);
        json.WriteBoolean("fan_in_fan_out", config.FanInFanOut);
        json.WriteBoolean("inference_mode", true);
        json.WriteBoolean("init_lora_weights", true);
        json.WriteNumber("lora_alpha", config.Alpha);
        json.WriteNumber("lora_dropout", config.Dropout);
        if (config.ModulesToSave.Count == 0) json.WriteNull("modules_to_save");
        else WriteList(json, "modules_to_save", config.ModulesToSave);
        json.WriteString("peft_type", "LORA");
        json.WriteNumber("r", config.Rank);
        WritePattern(json, "rank_pattern", config.RankPattern, static (json, rank) => json.WriteNumberValue(rank));
        if (config.TargetPattern is not null) json.WriteString("target_modules", config.TargetPattern);
        else WriteList(json, "target_modules", config.TargetModules);
        json.WriteString("task_type", config.TaskType);
        json.WriteBoolean("use_dora", config.WeightDecomposed);
        json.WriteBoolean("use_rslora", config.RankStabilized);
        json.WriteEndObject();
    });

    private static PeftConfig Parse(string path, JsonElement root)
    {
        var top = new ConfigObject(path, root);
        string type = top.Text("peft_type") ?? throw top.Fault("peft_type is missing", "check which file this is");
        if (type != "LORA") throw top.Fault($"the adapter is of type {InvalidInputException.Quote(type)}", "only LORA is supported");
        if (top.Text("bias") is { } bias && bias != "none") throw top.Fault($"bias is {InvalidInputException.Quote(bias)}", "only adapters that leave biases alone are supported");
        RefuseChangedBase(top, root);
        (string[] modules, string? pattern) = Targets(top, root, "target_modules");
        return new PeftConfig
        {
            Rank = top.Integer("r", 1, LargestRank, 8),
            Alpha = top.Real("lora_alpha", -LargestAlpha, LargestAlpha, 8),
            TargetModules = modules,
            TargetPattern = pattern,
            ModulesToSave = top.Texts("modules_to_save") ?? [],
            RankPattern = top.IntegersByName("rank_pattern", 1, LargestRank),
            AlphaPattern = top.RealsByName("alpha_pattern", -LargestAlpha, LargestAlpha),
            Dropout = top.Real("lora_dropout", 0, 1, 0),
            FanInFanOut = top.Flag("fan_in_fan_out"),
            RankStabilized = top.Flag("use_rslora"),
            WeightDecomposed = top.Flag("use_dora"),
            BaseModel = top.Text("base_model_name_or_path"),
            TaskType = top.Text("task_type"),
            KeepsTies = top.Flag("ensure_weight_tying"),
            // Last, when all that is asked for has been.
            UnknownKeys = Judge(top),
        };
    }

    // Looks at all keys that nobody asked for, and gives those that are not known. PEFT switches kinds of adapters on by keys "use_…".
    private static string[] Judge(ConfigObject top)
    {
        top.PassOver(s_withoutEffect);
        List<string> unknown = [];
        foreach (UnaskedKey key in top.Unasked().Where(static k => !k.IsEmpty))
        {
            if (s_unsupported.Contains(key.Name)) throw top.Fault($"{key.Name} is set", "such adapters are not supported");
            if (key.Name.StartsWith("use_", StringComparison.Ordinal))
                throw top.Fault($"{InvalidInputException.Quote(key.Name)} is {InvalidInputException.Quote(key.Value.GetRawText())}, and it is not known what that changes",
                    "merge the adapter with the software that made it");
            unknown.Add(key.Name);
        }

        return unknown.Count == 0 ? [] : [.. unknown];
    }

    // These take a part of the base's weights into the adapter, and the base that is left is not stored.
    private static void RefuseChangedBase(ConfigObject top, JsonElement root)
    {
        if (!root.TryGetProperty("init_lora_weights", out JsonElement init) || init.ValueKind != JsonValueKind.String) return;
        string kind = init.GetString()!;
        string lower = kind.ToLowerInvariant();
        if (lower.StartsWith("pissa", StringComparison.Ordinal) || lower is "olora" or "corda" or "loftq" or "lora_ga")
            throw top.Fault($"init_lora_weights is {InvalidInputException.Quote(kind)}, which changes the base model too", "convert the adapter to plain LoRA when saving it");
    }

    private static (string[] Modules, string? Pattern) Targets(ConfigObject top, JsonElement root, string key) =>
        root.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String ? ([], top.Text(key)) : (top.Texts(key) ?? [], null);

    private static void WriteList(Utf8JsonWriter json, string key, IReadOnlyList<string> values)
    {
        json.WriteStartArray(key);
        foreach (string value in values) json.WriteStringValue(value);
        json.WriteEndArray();
    }

    private static void WritePattern<T>(Utf8JsonWriter json, string key, IReadOnlyList<KeyValuePair<string, T>> pattern, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartObject(key);
        foreach ((string name, T value) in pattern)
        {
            json.WritePropertyName(name);
            write(json, value);
        }

        json.WriteEndObject();
    }
}
