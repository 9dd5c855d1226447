using System.Runtime.InteropServices;
using Ration.Files.Safetensors;
using Ration.Models;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Tests.Files;

/// <summary>A small model folder of a family, under its published names, with numbers that follow from names.</summary>
internal sealed class FamilyFolder : IDisposable
{
    public const int Width = 32, Heads = 4, KvHeads = 2, Head = 6, Hidden = 14, Layers = 3, Vocabulary = 31, Experts = 3, ExpertHidden = 9, SharedHidden = 11, Context = 40;
    private const int Query = Heads * Head, Key = KvHeads * Head;
    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, (Shape Shape, float[] Numbers)> _tensors = new(StringComparer.Ordinal);

    public FamilyFolder(ModelFamily family, DType type = DType.F32, string? config = null, Func<string, string>? rename = null, Action<string, float[]>? change = null)
    {
        Family = family;
        Declare();
        foreach ((string name, (_, float[] numbers)) in _tensors) change?.Invoke(name, numbers);
        _folder.Write("config.json", config ?? Config(family));
        SafetensorsWriter writer = new(checksums: false);
        rename ??= static name => name;
        foreach ((string name, (Shape shape, _)) in _tensors) writer.Declare(rename(name), type, shape);
        writer.Save(_folder["model.safetensors"], output =>
        {
            foreach ((string name, (Shape shape, float[] numbers)) in _tensors)
            {
                byte[] bytes = new byte[type.Bytes(shape)];
                TensorCodec.Encode(type, numbers, bytes);
                output.Write(rename(name), bytes);
            }
        });
    }

    public ModelFamily Family { get; }

    public string Path => _folder.Path;

    public IEnumerable<string> Names => _tensors.Keys;

    public IEnumerable<(string Name, Shape Shape)> Shapes => _tensors.Select(static t => (t.Key, t.Value.Shape));

    /// <summary>A config.json of the family for these sizes.</summary>
    public static string Config(ModelFamily family) => family switch
    {
        ModelFamily.Llama => Common("LlamaForCausalLM", "llama", """
            "rope_scaling":{"factor":8.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},"rope_theta":500000.0
            """),
        ModelFamily.Mistral => Common("MistralForCausalLM", "mistral", "\"sliding_window\":16"),
        ModelFamily.Mixtral => Common("MixtralForCausalLM", "mixtral", $"\"num_local_experts\":{Experts},\"num_experts_per_tok\":2,\"sliding_window\":null,\"rope_theta\":1e6", ExpertHidden),
        ModelFamily.Qwen2 => Common("Qwen2ForCausalLM", "qwen2", "\"use_sliding_window\":false,\"sliding_window\":131072,\"max_window_layers\":28,\"tie_word_embeddings\":true"),
        ModelFamily.Qwen2Moe => Common("Qwen2MoeForCausalLM", "qwen2_moe",
            $"\"num_experts\":{Experts},\"num_experts_per_tok\":2,\"moe_intermediate_size\":{ExpertHidden},\"shared_expert_intermediate_size\":{SharedHidden},\"norm_topk_prob\":false"),
        ModelFamily.Qwen3 => Common("Qwen3ForCausalLM", "qwen3", "\"attention_bias\":false,\"rope_theta\":1000000"),
        ModelFamily.Qwen3Moe => Common("Qwen3MoeForCausalLM", "qwen3_moe",
            $"\"num_experts\":{Experts},\"num_experts_per_tok\":2,\"moe_intermediate_size\":{ExpertHidden},\"norm_topk_prob\":true,\"mlp_only_layers\":[]"),
        ModelFamily.Gemma => Common("GemmaForCausalLM", "gemma", "\"hidden_act\":\"gelu\",\"hidden_activation\":null"),
        ModelFamily.Gemma2 => Common("Gemma2ForCausalLM", "gemma2",
            "\"hidden_activation\":\"gelu_pytorch_tanh\",\"query_pre_attn_scalar\":6,\"sliding_window\":16,\"attn_logit_softcapping\":50.0,\"final_logit_softcapping\":30.0"),
        ModelFamily.Gemma3 => Common("Gemma3ForCausalLM", "gemma3_text",
            "\"query_pre_attn_scalar\":6,\"sliding_window\":8,\"sliding_window_pattern\":2,\"rope_theta\":1000000,"
            + "\"rope_local_base_freq\":10000,\"rope_scaling\":{\"factor\":8.0,\"rope_type\":\"linear\"}"),
        ModelFamily.Phi3 => Common("Phi3ForCausalLM", "phi3",
            "\"original_max_position_embeddings\":20,\"rope_scaling\":{\"type\":\"longrope\",\"short_factor\":[1.0,1.5,2.0],\"long_factor\":[1.0,2.5,4.0]},\"sliding_window\":16"),
        _ => $"{{\"architectures\":[\"GPT2LMHeadModel\"],\"model_type\":\"gpt2\",\"n_embd\":{Width},\"n_head\":{Heads},\"n_layer\":{Layers},\"n_positions\":{Context},"
            + $"\"n_inner\":{Hidden},\"vocab_size\":{Vocabulary},\"activation_function\":\"gelu_new\"}}",
    };

    /// <summary>What a canonical parameter must hold, told from the published tensors in another way than the program's.</summary>
    public float[] Expected(string name)
    {
        string stem = name[..(name.LastIndexOf('.') + 1)];
        string kind = name[stem.Length..];
        if (Family == ModelFamily.Gpt2) return ExpectedOfGpt2(name);
        if (Family == ModelFamily.Phi3)
        {
            string layer = stem.Contains("self_attn", StringComparison.Ordinal) ? stem[..stem.IndexOf("self_attn", StringComparison.Ordinal)]
                : stem.Contains("mlp", StringComparison.Ordinal) ? stem[..stem.IndexOf("mlp", StringComparison.Ordinal)] : "";
            if (stem.EndsWith("q_proj.", StringComparison.Ordinal)) return Rows(layer + "self_attn.qkv_proj.weight", 0, Query);
            if (stem.EndsWith("k_proj.", StringComparison.Ordinal)) return Rows(layer + "self_attn.qkv_proj.weight", Query, Key);
            if (stem.EndsWith("v_proj.", StringComparison.Ordinal)) return Rows(layer + "self_attn.qkv_proj.weight", Query + Key, Key);
            if (stem.EndsWith("gate_proj.", StringComparison.Ordinal)) return Rows(layer + "mlp.gate_up_proj.weight", 0, Hidden);
            if (stem.EndsWith("up_proj.", StringComparison.Ordinal)) return Rows(layer + "mlp.gate_up_proj.weight", Hidden, Hidden);
        }

        bool mixtral = Family == ModelFamily.Mixtral;
        if (stem.EndsWith("mlp.router.", StringComparison.Ordinal))
            return _tensors[stem.Replace("mlp.router", mixtral ? "block_sparse_moe.gate" : "mlp.gate", StringComparison.Ordinal) + kind].Numbers;
        if (stem.Contains("mlp.experts.", StringComparison.Ordinal))
        {
            string[] parts = name.Split(".experts.");
            string product = parts[1].Split('.')[0];
            string own = !mixtral ? product : product switch { "gate_proj" => "w1", "down_proj" => "w2", _ => "w3" };
            string prefix = mixtral ? parts[0].Replace(".mlp", ".block_sparse_moe", StringComparison.Ordinal) : parts[0];
            return [.. Enumerable.Range(0, Experts).SelectMany(e => _tensors[$"{prefix}.experts.{e}.{own}.weight"].Numbers)];
        }

        return _tensors[name].Numbers;
    }

    public void Dispose() => _folder.Dispose();

    private static string Common(string architecture, string type, string more, int hidden = Hidden) =>
        $"{{\"architectures\":[\"{architecture}\"],\"model_type\":\"{type}\",\"hidden_size\":{Width},\"intermediate_size\":{hidden},\"num_hidden_layers\":{Layers},\"num_attention_heads\":{Heads},"
        + $"\"num_key_value_heads\":{KvHeads},\"head_dim\":{Head},\"vocab_size\":{Vocabulary},\"max_position_embeddings\":{Context},\"torch_dtype\":\"float32\",{more.Trim()}}}";

    private float[] ExpectedOfGpt2(string name)
    {
        string published = name.Replace("model.embed_tokens", "transformer.wte", StringComparison.Ordinal).Replace("model.embed_positions", "transformer.wpe", StringComparison.Ordinal)
            .Replace("model.layers.", "transformer.h.", StringComparison.Ordinal).Replace("model.norm", "transformer.ln_f", StringComparison.Ordinal)
            .Replace("input_layernorm", "ln_1", StringComparison.Ordinal).Replace("post_attention_layernorm", "ln_2", StringComparison.Ordinal)
            .Replace("self_attn.o_proj", "attn.c_proj", StringComparison.Ordinal).Replace("mlp.up_proj", "mlp.c_fc", StringComparison.Ordinal)
            .Replace("mlp.down_proj", "mlp.c_proj", StringComparison.Ordinal);
        int part = published.Contains(".q_proj", StringComparison.Ordinal) ? 0
            : published.Contains(".k_proj", StringComparison.Ordinal) ? 1 : published.Contains(".v_proj", StringComparison.Ordinal) ? 2 : -1;
        if (part >= 0) published = published[..published.IndexOf("self_attn", StringComparison.Ordinal)] + "attn.c_attn" + published[published.LastIndexOf('.')..];
        (Shape shape, float[] numbers) = _tensors[published];
        if (!published.Contains(".c_", StringComparison.Ordinal)) return numbers;
        int first = Math.Max(0, part) * Width, count = part >= 0 ? Width : (int)shape[^1];
        if (shape.Rank == 1) return numbers[first..(first + count)];
        float[] turned = new float[count * (int)shape[0]];
        for (int output = 0; output < count; output++)
        {
            for (int input = 0; input < shape[0]; input++) turned[(output * (int)shape[0]) + input] = numbers[(input * (int)shape[1]) + first + output];
        }

        return turned;
    }

    private float[] Rows(string tensor, int first, int count)
    {
        (Shape shape, float[] numbers) = _tensors[tensor];
        int columns = (int)shape[1];
        return numbers[(first * columns)..((first + count) * columns)];
    }

    private void Declare()
    {
        if (Family == ModelFamily.Gpt2)
        {
            DeclareGpt2();
            return;
        }

        Add("model.embed_tokens.weight", Vocabulary, Width);
        for (int i = 0; i < Layers; i++) DeclareLayer($"model.layers.{i}.");
        Add("model.norm.weight", Width);
        if (Family is not (ModelFamily.Qwen2 or ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3)) Add("lm_head.weight", Vocabulary, Width);
    }

    private void DeclareLayer(string layer)
    {
        Add(layer + "input_layernorm.weight", Width);
        Add(layer + "post_attention_layernorm.weight", Width);
        Add(layer + "self_attn.o_proj.weight", Width, Query);
        if (Family == ModelFamily.Phi3) Add(layer + "self_attn.qkv_proj.weight", Query + (2 * Key), Width);
        else
        {
            Add(layer + "self_attn.v_proj.weight", Key, Width);
            Add(layer + "self_attn.k_proj.weight", Key, Width);
            Add(layer + "self_attn.q_proj.weight", Query, Width);
        }

        if (Family is ModelFamily.Qwen2 or ModelFamily.Qwen2Moe)
        {
            Add(layer + "self_attn.q_proj.bias", Query);
            Add(layer + "self_attn.k_proj.bias", Key);
            Add(layer + "self_attn.v_proj.bias", Key);
        }

        if (Family is ModelFamily.Qwen3 or ModelFamily.Qwen3Moe or ModelFamily.Gemma3)
        {
            Add(layer + "self_attn.q_norm.weight", Head);
            Add(layer + "self_attn.k_norm.weight", Head);
        }

        if (Family is ModelFamily.Gemma2 or ModelFamily.Gemma3)
        {
            Add(layer + "pre_feedforward_layernorm.weight", Width);
            Add(layer + "post_feedforward_layernorm.weight", Width);
        }

        DeclareMlp(layer);
    }

    private void DeclareMlp(string layer)
    {
        switch (Family)
        {
            case ModelFamily.Phi3:
                Add(layer + "mlp.gate_up_proj.weight", 2 * Hidden, Width);
                Add(layer + "mlp.down_proj.weight", Width, Hidden);
                break;
            case ModelFamily.Mixtral:
                Add(layer + "block_sparse_moe.gate.weight", Experts, Width);
                for (int e = 0; e < Experts; e++) Gated(layer + $"block_sparse_moe.experts.{e}.", "w1", "w3", "w2", ExpertHidden);
                break;
            case ModelFamily.Qwen2Moe or ModelFamily.Qwen3Moe:
                Add(layer + "mlp.gate.weight", Experts, Width);
                for (int e = 0; e < Experts; e++) Gated(layer + $"mlp.experts.{e}.", "gate_proj", "up_proj", "down_proj", ExpertHidden);
                if (Family == ModelFamily.Qwen3Moe) break;
                Gated(layer + "mlp.shared_expert.", "gate_proj", "up_proj", "down_proj", SharedHidden);
                Add(layer + "mlp.shared_expert_gate.weight", 1, Width);
                break;
            default:
                Gated(layer + "mlp.", "gate_proj", "up_proj", "down_proj", Hidden);
                break;
        }
    }

    private void Gated(string prefix, string gate, string up, string down, int hidden)
    {
        Add(prefix + gate + ".weight", hidden, Width);
        Add(prefix + up + ".weight", hidden, Width);
        Add(prefix + down + ".weight", Width, hidden);
    }

    private void DeclareGpt2()
    {
        Add("transformer.wte.weight", Vocabulary, Width);
        Add("transformer.wpe.weight", Context, Width);
        for (int i = 0; i < Layers; i++)
        {
            foreach ((string name, long[] sizes) in new (string, long[])[]
            {
                ("ln_1.weight", [Width]), ("ln_1.bias", [Width]), ("ln_2.weight", [Width]), ("ln_2.bias", [Width]),
                ("attn.c_attn.weight", [Width, 3 * Width]), ("attn.c_attn.bias", [3 * Width]), ("attn.c_proj.weight", [Width, Width]), ("attn.c_proj.bias", [Width]),
                ("mlp.c_fc.weight", [Width, Hidden]), ("mlp.c_fc.bias", [Hidden]), ("mlp.c_proj.weight", [Hidden, Width]), ("mlp.c_proj.bias", [Width]),
            }) Add($"transformer.h.{i}.{name}", sizes);
        }

        Add("transformer.ln_f.weight", Width);
        Add("transformer.ln_f.bias", Width);
    }

    private void Add(string name, params long[] sizes)
    {
        Shape shape = new(sizes);
        float[] numbers = new float[shape.Elements];
        CounterRandom random = new(5, BitConverter.ToUInt64(System.Security.Cryptography.SHA256.HashData(MemoryMarshal.AsBytes(name.AsSpan()))));
        random.FillNormal(0, numbers, 0.3f);
        _tensors.Add(name, (shape, numbers));
    }
}
