using System.Text.Json.Nodes;
using Ration.Files;
using Ration.Files.Peft;
using Ration.Files.Safetensors;
using Ration.Tensors;

namespace Ration.Tests.Files.Peft;

public sealed class PeftAdapterTests
{
    internal static readonly PeftConfig Config = new()
    {
        Rank = 2,
        Alpha = 16,
        TargetModules = ["q_proj", "down_proj"],
        ModulesToSave = ["lm_head"],
        RankPattern = [new("layers.0.mlp.down_proj", 3), new("down_proj", 5)],
        AlphaPattern = [new(@".*\.1\.self_attn\.q_proj", 4.5)],
        Dropout = 0.25,
        BaseModel = "some/model",
        TaskType = "CAUSAL_LM",
    };

    [Fact]
    public void An_adapter_comes_back_as_it_went()
    {
        using var folder = new TemporaryFolder();
        Save(folder["adapter"], Config);
        using PeftAdapter adapter = PeftAdapter.Open(folder["adapter"]);
        Assert.Equivalent(Config, adapter.Config, strict: true);
        Assert.Equal(["model.layers.0.mlp.down_proj", "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"], adapter.Modules.Select(static m => m.Name));
        PeftModule down = adapter.Modules[0], first = adapter.Modules[1], second = adapter.Modules[2];
        Assert.Equal((3, 16.0 / 3, new Shape(3, 12), new Shape(8, 3)), (down.Rank, down.Scale, down.A.Shape, down.B.Shape));
        Assert.Equal((2, 8.0), (first.Rank, first.Scale));
        Assert.Equal(2.25, second.Scale);
        Assert.False(down.IsEmbedding);
        (string name, StoredTensor saved) = Assert.Single(adapter.Saved);
        Assert.Equal(("lm_head.weight", new Shape(5, 8)), (name, saved.Shape));
        byte[] bytes = new byte[4];
        adapter.Tensors.Read(second.B, 0, bytes);
        Assert.Equal([7, 7, 7, 7], bytes);
    }

    [Fact]
    public void The_scale_is_stabilized_where_the_adapter_says_so()
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path, Config with { RankStabilized = true });
        using PeftAdapter adapter = PeftAdapter.Open(folder.Path);
        Assert.Equal(16 / Math.Sqrt(3), adapter.Modules[0].Scale);
    }

    [Fact]
    public void What_PEFT_writes_today_is_read()
    {
        using var folder = new TemporaryFolder();
        folder.Write("adapter_config.json", """
            {"alora_invocation_tokens":null,"alpha_pattern":{},"arrow_config":null,"auto_mapping":null,"base_model_name_or_path":null,"bias":"none",
             "corda_config":null,"ensure_weight_tying":false,"eva_config":null,"exclude_modules":null,"fan_in_fan_out":false,"inference_mode":true,
             "init_lora_weights":true,"layer_replication":null,"layers_pattern":null,"layers_to_transform":null,"loftq_config":{},"lora_alpha":4,
             "lora_bias":false,"lora_dropout":0.0,"megatron_config":null,"megatron_core":"megatron.core","modules_to_save":null,"peft_type":"LORA",
             "peft_version":"0.18.0","qalora_group_size":16,"r":2,"rank_pattern":{},"revision":null,"target_modules":"all-linear",
             "target_parameters":null,"task_type":"CAUSAL_LM","trainable_token_indices":null,"use_dora":true,"use_qalora":false,"use_rslora":false}
            """);
        Write(folder.Path, ("embed.lora_embedding_A", 2, 9), ("embed.lora_embedding_B", 4, 2), ("embed.lora_magnitude_vector", 4, 1));
        using PeftAdapter adapter = PeftAdapter.Open(folder.Path);
        Assert.Equal("all-linear", adapter.Config.TargetPattern);
        PeftModule module = Assert.Single(adapter.Modules);
        Assert.Empty(adapter.Config.UnknownKeys);
        Assert.True(module.IsEmbedding);
        Assert.NotNull(module.Magnitude);
    }

    [Theory]
    [InlineData("peft_type", "\"IA3\"", "'IA3'")]
    [InlineData("peft_type", "null", "peft_type is missing")]
    [InlineData("bias", "\"all\"", "bias is 'all'")]
    [InlineData("r", "0", "r is 0")]
    [InlineData("r", "1.5", "r is '1.5'")]
    [InlineData("r", "7", "where adapter_config.json says 7")]
    [InlineData("lora_alpha", "\"16\"", "lora_alpha")]
    [InlineData("use_dora", "true", "lacks the magnitude")]
    [InlineData("use_dora", "1", "use_dora")]
    [InlineData("layer_replication", "[[0,1]]", "layer_replication is set")]
    [InlineData("trainable_token_indices", "[3]", "trainable_token_indices is set")]
    [InlineData("lora_bias", "true", "lora_bias is set")]
    [InlineData("kasa_config", "{\"beta\":0.0001,\"gamma\":0.001}", "kasa_config is set")]
    [InlineData("monteclora_config", "{\"num_samples\":8}", "monteclora_config is set")]
    [InlineData("lora_ga_config", "{\"scale\":\"stable\"}", "lora_ga_config is set")]
    [InlineData("use_zora", "true", "'use_zora' is 'true'")]
    [InlineData("use_zora", "{\"a\":1}", "'use_zora' is '{\"a\":1}'")]
    [InlineData("use_zora", "false", null)]
    [InlineData("use_zora", "null", null)]
    [InlineData("init_lora_weights", "\"pissa_niter_4\"", "'pissa_niter_4'")]
    [InlineData("init_lora_weights", "\"gaussian\"", null)]
    [InlineData("target_modules", "3", "target_modules")]
    [InlineData("rank_pattern", "{\"a\":\"b\"}", "rank_pattern.a")]
    [InlineData("rank_pattern", "[]", "rank_pattern is not an object")]
    [InlineData("rank_pattern", "{\"(\":3}", "no regular expression")]
    [InlineData("rank_pattern", "{\"((a{9}){9}){9}\":3}", "counts repetitions")]
    [InlineData("rank_pattern", "{\"(?=a)b\":3}", "no regular expression")]
    public void The_configuration_is_checked(string key, string value, string? fault)
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path, Config with { RankPattern = [new("down_proj", 3)] });
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        json.Remove(key);
        folder.Write("adapter_config.json", $"{json.ToJsonString()[..^1]},\"{key}\":{value}}}");
        if (fault is null)
        {
            using (PeftAdapter.Open(folder.Path)) return;
        }

        FileFormatException error = Assert.Throws<FileFormatException>(() => PeftAdapter.Open(folder.Path));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_that_are_not_known_are_named()
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path, Config);
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        json["some_new_variant"] = new JsonObject { ["x"] = 1 };
        json["some_old_variant"] = null;
        folder.Write("adapter_config.json", json.ToJsonString());
        using PeftAdapter adapter = PeftAdapter.Open(folder.Path);
        Assert.Equal(["some_new_variant"], adapter.Config.UnknownKeys);
    }

    [Fact]
    public void Many_patterns_are_read_at_once()
    {
        using var folder = new TemporaryFolder();
        const int Count = 80_000;
        Save(folder.Path, Config);
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["adapter_config.json"]))!.AsObject();
        JsonObject patterns = json["rank_pattern"]!.AsObject();
        for (int i = 0; i < Count; i++) patterns.Add($"{i:x}", 2);
        string path = folder.Write("adapter_config.json", json.ToJsonString());
        OpeningLimits.Run(path, 1, _ => Assert.False(OpeningLimits.Refuses(path, new FileInfo(path).Length, () =>
        {
            using PeftAdapter adapter = PeftAdapter.Open(folder.Path);
            Assert.Equal(Count + Config.RankPattern.Count, adapter.Config.RankPattern.Count);
        })));
    }

    [Fact]
    public void Expressions_that_would_take_long_are_refused()
    {
        // Each of these wildcards doubles the states of an automaton that remembers where it saw an a.
        KeyValuePair<string, int>[] patterns = [.. Enumerable.Range(0, 40).Select(static i => KeyValuePair.Create($".*a{new string('.', 100 + i)}", 2))];
        Random random = new(1);
        string[] modules = [.. Enumerable.Range(0, 500).Select(_ => string.Concat(Enumerable.Range(0, 200).Select(_ => "ab"[random.Next(2)])))];
        OpeningLimits.Run("expressions", 1, _ => Assert.True(OpeningLimits.Refuses("expressions", 0, () =>
        {
            PeftPatterns<int> found = new("adapter_config.json", patterns);
            foreach (string module in modules) found.Find(module, 1);
        })));
        FileFormatException error = Assert.Throws<FileFormatException>(() => new PeftPatterns<int>("a", patterns).Find(new string('a', 257), 1));
        Assert.Contains("a name of more than 256 characters", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<FileFormatException>(() => new PeftPatterns<int>("a", [.. Enumerable.Range(0, 9).Select(static i => KeyValuePair.Create($"{i}*{new string('a', 1000)}", 1))]));
        Assert.Contains("more than 8192 characters together", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_do_not_go_together_are_refused()
    {
        using var folder = new TemporaryFolder();
        Save(folder.Path, Config);
        Refused("does not have one A and one B", ("x.lora_A.weight", 2, 3));
        Refused("which do not go together", ("x.lora_A.weight", 2, 3), ("x.lora_B.weight", 4, 3));
        Refused("has a magnitude", ("x.lora_A.weight", 2, 3), ("x.lora_B.weight", 4, 2), ("x.lora_magnitude_vector", 4, 1));
        Refused("kind that is not known", ("x.lora_C.weight", 2, 3));
        Refused("adapts no module", ("x.weight", 2, 3));
        Refused("more than 32 parts", ($"{string.Concat(Enumerable.Repeat("x.", 32))}x.lora_A.weight", 2, 3));
        using var none = new TemporaryFolder();
        Assert.Throws<InvalidInputException>(() => PeftAdapter.Open(none.Path));
        Assert.Throws<InvalidInputException>(() => PeftAdapter.Open(none["none"]));

        void Refused(string fault, params (string, long, long)[] tensors)
        {
            Write(folder.Path, tensors);
            FileFormatException error = Assert.Throws<FileFormatException>(() => PeftAdapter.Open(folder.Path));
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        }
    }

    internal static void Save(string folder, PeftConfig config)
    {
        const string Down = "model.layers.0.mlp.down_proj", First = "model.layers.0.self_attn.q_proj", Second = "model.layers.1.self_attn.q_proj";
        PeftAdapter.Save(folder, config,
        [
            (PeftAdapter.NameOfA(Down), DType.F32, new Shape(3, 12)), (PeftAdapter.NameOfB(Down), DType.F32, new Shape(8, 3)),
            (PeftAdapter.NameOfA(First), DType.F32, new Shape(2, 8)), (PeftAdapter.NameOfB(First), DType.F32, new Shape(8, 2)),
            (PeftAdapter.NameOfA(Second), DType.BF16, new Shape(2, 8)), (PeftAdapter.NameOfB(Second), DType.BF16, new Shape(8, 2)),
            ("lm_head.weight", DType.F32, new Shape(5, 8)),
        ], output =>
        {
            foreach (StoredTensor tensor in output.Tensors) output.Write(tensor.Name, Enumerable.Repeat((byte)7, (int)tensor.Bytes).ToArray());
        });
    }

    private static void Write(string folder, params (string Name, long Rows, long Columns)[] tensors)
    {
        var writer = new SafetensorsWriter();
        foreach ((string name, long rows, long columns) in tensors) writer.Declare("base_model.model." + name, DType.F32, new Shape(rows, columns));
        writer.Save(Path.Combine(folder, PeftAdapter.WeightsName), output =>
        {
            foreach (StoredTensor tensor in output.Tensors) output.Write(tensor.Name, new byte[tensor.Bytes]);
        });
    }
}
