using Ration.Files;
using Ration.Files.HuggingFace;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Files.HuggingFace;

/// <summary>The keys of published configuration files, and what they mean for the arithmetic.</summary>
public sealed class FamilyConfigTests
{
    public static TheoryData<ModelFamily> Families => [.. Enum.GetValues<ModelFamily>()];

    [Theory]
    [MemberData(nameof(Families))]
    public void What_is_written_reads_back_the_same(ModelFamily family)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, FamilyFolder.Config(family));
        HuggingFaceFolder.WriteConfig(folder.Path, new HuggingFaceConfig { Model = model });
        ModelConfiguration again = HuggingFaceFolder.ReadConfig(folder.Path).Model;
        Assert.Equal(Flat(model), Flat(again));
        Assert.Equal(model.RotaryScaling?.ShortFactors, again.RotaryScaling?.ShortFactors);
        Assert.Equal(model.RotaryScaling?.LongFactors, again.RotaryScaling?.LongFactors);
    }

    [Fact]
    public void Gemma_2_has_caps_norms_on_both_sides_and_windows_in_every_other_layer()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"architectures":["Gemma2ForCausalLM"],"model_type":"gemma2","attention_bias":false,"attn_logit_softcapping":50.0,"bos_token_id":2,"cache_implementation":"hybrid","eos_token_id":1,
             "final_logit_softcapping":30.0,"head_dim":256,"hidden_act":"gelu_pytorch_tanh","hidden_activation":"gelu_pytorch_tanh","hidden_size":2304,"intermediate_size":9216,
             "max_position_embeddings":8192,"num_attention_heads":8,"num_hidden_layers":26,"num_key_value_heads":4,"pad_token_id":0,"query_pre_attn_scalar":256,"rms_norm_eps":1e-06,
             "rope_theta":10000.0,"sliding_window":4096,"torch_dtype":"float32","use_cache":true,"vocab_size":256000}
            """);
        Assert.Equal(new ModelConfiguration
        {
            Name = model.Name,
            Family = ModelFamily.Gemma2,
            Vocabulary = 256_000,
            Width = 2304,
            HiddenWidth = 9216,
            Layers = 26,
            Heads = 8,
            KvHeads = 4,
            HeadDimension = 256,
            Context = 8192,
            RopeTheta = 10_000,
            NormEpsilon = 1e-6f,
            TiedEmbeddings = true,
            SlidingWindow = 4096,
            FullAttentionEvery = 2,
            NormGainOffset = 1,
            PostNorms = true,
            Activation = MlpActivation.GeluTanh,
            EmbeddingScale = 48,
            AttentionScalar = 256,
            AttentionSoftCap = 50,
            LogitSoftCap = 30,
        }, model);
    }

    [Fact]
    public void Gemma_3_of_a_model_that_sees_is_its_text_model()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"architectures":["Gemma3ForConditionalGeneration"],"eos_token_id":[1,106],"model_type":"gemma3","mm_tokens_per_image":256,"torch_dtype":"bfloat16",
             "text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},
             "vision_config":{"hidden_size":1152,"model_type":"siglip_vision_model"}}
            """);
        Assert.Equal(new RotaryScaling { Kind = RotaryScalingKind.Linear, Factor = 8, OriginalContext = 131_072 }, model.RotaryScaling);
        Assert.Equal(new ModelConfiguration
        {
            Name = model.Name,
            Family = ModelFamily.Gemma3,
            Vocabulary = 262_208,
            Width = 2560,
            HiddenWidth = 10_240,
            Layers = 34,
            Heads = 8,
            KvHeads = 4,
            HeadDimension = 256,
            Context = 131_072,
            RopeTheta = 1e6,
            LocalRopeTheta = 1e4,
            NormEpsilon = 1e-6f,
            TiedEmbeddings = true,
            SlidingWindow = 1024,
            FullAttentionEvery = 6,
            NormGainOffset = 1,
            PostNorms = true,
            QueryKeyNorms = true,
            Activation = MlpActivation.GeluTanh,
            EmbeddingScale = (float)Math.Sqrt(2560),
            AttentionScalar = 256,
            RotaryScaling = model.RotaryScaling,
        }, model);
        Assert.Equal([1, 106], HuggingFaceFolder.ReadConfig(folder.Path).EndIds);
    }

    [Fact]
    public void Qwen_2_MoE_has_a_shared_expert_and_biases()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"architectures":["Qwen2MoeForCausalLM"],"decoder_sparse_step":1,"hidden_act":"silu","hidden_size":2048,"intermediate_size":5632,"max_position_embeddings":8192,"max_window_layers":21,
             "model_type":"qwen2_moe","moe_intermediate_size":1408,"norm_topk_prob":false,"num_attention_heads":16,"num_experts":60,"num_experts_per_tok":4,"num_hidden_layers":24,
             "num_key_value_heads":16,"rms_norm_eps":1e-06,"rope_theta":1000000.0,"shared_expert_intermediate_size":5632,"sliding_window":32768,"tie_word_embeddings":false,
             "use_sliding_window":false,"vocab_size":151936}
            """);
        Assert.Equal(new ModelConfiguration
        {
            Name = model.Name,
            Family = ModelFamily.Qwen2Moe,
            Vocabulary = 151_936,
            Width = 2048,
            HiddenWidth = 5632,
            Layers = 24,
            Heads = 16,
            KvHeads = 16,
            HeadDimension = 128,
            Context = 8192,
            RopeTheta = 1e6,
            NormEpsilon = 1e-6f,
            QueryKeyValueBiases = true,
            Experts = 60,
            ExpertsPerToken = 4,
            ExpertHiddenWidth = 1408,
            SharedExpertHiddenWidth = 5632,
        }, model);
    }

    [Fact]
    public void Phi_3_keeps_its_factors_and_its_partial_rotation()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"architectures":["Phi3ForCausalLM"],"model_type":"phi3","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":4,"vocab_size":100,
             "max_position_embeddings":131072,"original_max_position_embeddings":4096,"partial_rotary_factor":0.75,"sliding_window":262144,"rms_norm_eps":1e-05,
             "rope_scaling":{"long_factor":[1,2,3,4,5,6],"short_factor":[1,1,1,1,1,1.5],"type":"su"},"tie_word_embeddings":false}
            """);
        Assert.Equal(12, model.RotaryDimension);
        Assert.Equal(262_144, model.SlidingWindow);
        Assert.NotNull(model.RotaryScaling);
        Assert.Equal(RotaryScalingKind.LongRope, model.RotaryScaling.Kind);
        Assert.Equal((4096, 32.0), (model.RotaryScaling.OriginalContext, model.RotaryScaling.Factor));
        Assert.Equal([1, 2, 3, 4, 5, 6], model.RotaryScaling.LongFactors);
        Assert.Equal([1, 1, 1, 1, 1, 1.5], model.RotaryScaling.ShortFactors);
    }

    [Fact]
    public void GPT_2_has_places_learned_and_layer_norms()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"activation_function":"gelu_new","architectures":["GPT2LMHeadModel"],"attn_pdrop":0.1,"bos_token_id":50256,"embd_pdrop":0.1,"eos_token_id":50256,"initializer_range":0.02,
             "layer_norm_epsilon":1e-05,"model_type":"gpt2","n_ctx":1024,"n_embd":768,"n_head":12,"n_layer":12,"n_positions":1024,"resid_pdrop":0.1,"vocab_size":50257}
            """);
        Assert.Equal(new ModelConfiguration
        {
            Name = model.Name,
            Family = ModelFamily.Gpt2,
            Vocabulary = 50_257,
            Width = 768,
            HiddenWidth = 3072,
            Layers = 12,
            Heads = 12,
            KvHeads = 12,
            HeadDimension = 64,
            Context = 1024,
            NormEpsilon = 1e-5f,
            TiedEmbeddings = true,
            Norm = NormKind.Layer,
            Positions = PositionKind.Learned,
            QueryKeyValueBiases = true,
            AttentionOutputBias = true,
            MlpBiases = true,
            GatedMlp = false,
            Activation = MlpActivation.GeluTanh,
        }, model);
    }

    [Theory]
    [InlineData(ModelFamily.Mistral, "", 4096)]
    [InlineData(ModelFamily.Mistral, ",\"sliding_window\":null", 0)]
    [InlineData(ModelFamily.Mistral, ",\"sliding_window\":12", 12)]
    [InlineData(ModelFamily.Qwen2, ",\"sliding_window\":12,\"max_window_layers\":1", 0)]
    [InlineData(ModelFamily.Qwen2, ",\"sliding_window\":12,\"use_sliding_window\":true,\"max_window_layers\":3", 0)]
    [InlineData(ModelFamily.Qwen2, ",\"sliding_window\":12,\"use_sliding_window\":true,\"max_window_layers\":1", 12, 0, 1)]
    [InlineData(ModelFamily.Qwen3, ",\"sliding_window\":12,\"use_sliding_window\":true,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"]", 12, 2, 0)]
    [InlineData(ModelFamily.Gemma3, ",\"sliding_window\":12,\"layer_types\":[\"sliding_attention\",\"sliding_attention\",\"full_attention\"]", 12, 3, 0)]
    [InlineData(ModelFamily.Gemma3, ",\"sliding_window\":12,\"layer_types\":[\"full_attention\",\"full_attention\",\"full_attention\"]", 0)]
    public void Windows_are_in_the_layers_where_the_class_has_them(ModelFamily family, string keys, int window, int every = 0, int first = 0)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(family, keys));
        Assert.Equal((window, every, first), (model.SlidingWindow, model.FullAttentionEvery, model.FirstWindowedLayer));
    }

    [Theory]
    [InlineData(ModelFamily.Qwen2, ",\"layer_types\":[\"full_attention\"]", "layer_types has 1 entries for 3 layers")]
    [InlineData(ModelFamily.Qwen2, ",\"layer_types\":[\"full_attention\",\"chunked_attention\",\"full_attention\"]", "'chunked_attention'")]
    [InlineData(ModelFamily.Mistral, ",\"layer_types\":[\"full_attention\",\"sliding_attention\",\"sliding_attention\"]", "layer_types")]
    [InlineData(ModelFamily.Qwen2Moe, ",\"mlp_only_layers\":[1]", "mlp_only_layers")]
    [InlineData(ModelFamily.Qwen3Moe, ",\"decoder_sparse_step\":2", "decoder_sparse_step")]
    [InlineData(ModelFamily.Qwen3Moe, ",\"num_experts\":4,\"num_experts_per_tok\":5", "num_experts_per_tok is 5")]
    [InlineData(ModelFamily.Gemma2, ",\"use_bidirectional_attention\":true", "use_bidirectional_attention")]
    [InlineData(ModelFamily.Gemma, ",\"hidden_act\":\"relu\"", "'relu'")]
    [InlineData(ModelFamily.Gpt2, ",\"scale_attn_by_inverse_layer_idx\":true", "scale_attn_by_inverse_layer_idx")]
    [InlineData(ModelFamily.Gpt2, ",\"scale_attn_weights\":false", "scale_attn_weights")]
    [InlineData(ModelFamily.Gpt2, ",\"activation_function\":\"relu\"", "'relu'")]
    [InlineData(ModelFamily.Llama, ",\"quantization_config\":{\"quant_method\":\"gptq\"}", "'gptq'")]
    [InlineData(ModelFamily.Phi3, ",\"rope_scaling\":{\"type\":\"longrope\",\"long_factor\":[1,2,3,4]}", "short_factor is missing")]
    public void What_would_change_the_arithmetic_unseen_is_refused_by_name(ModelFamily family, string keys, string fault)
    {
        using TemporaryFolder folder = new();
        InvalidInputException error = Assert.ThrowsAny<InvalidInputException>(() => Read(folder, Small(family, keys)));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(""" "rope_scaling":{"type":"linear","factor":4} """, RotaryScalingKind.Linear, 4, 2048)]
    [InlineData(""" "rope_scaling":{"type":"dynamic","factor":2} """, RotaryScalingKind.Ntk, 2, 2048)]
    [InlineData(""" "rope_scaling":{"rope_type":"yarn","factor":4,"original_max_position_embeddings":512} """, RotaryScalingKind.Yarn, 4, 512)]
    [InlineData(""" "rope_parameters":{"rope_type":"yarn","rope_theta":5000,"original_max_position_embeddings":512} """, RotaryScalingKind.Yarn, 4, 512)]
    [InlineData(""" "rope_scaling":{"rope_type":"llama3","factor":32,"original_max_position_embeddings":8192,"low_freq_factor":1,"high_freq_factor":4} """, RotaryScalingKind.Llama3, 32, 8192)]
    public void Every_rotary_scaling_is_read(string keys, RotaryScalingKind kind, double factor, int original)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(ModelFamily.Llama, "," + keys));
        Assert.NotNull(model.RotaryScaling);
        Assert.Equal((kind, factor, original), (model.RotaryScaling.Kind, model.RotaryScaling.Factor, model.RotaryScaling.OriginalContext));
    }

    // The defaults of the library's configuration classes (huggingface/transformers, configuration_*.py).
    [Theory]
    [InlineData(ModelFamily.Llama, 4096, 32, 2048, 32, 128, 1e-6, 1e4, false, 0)]
    [InlineData(ModelFamily.Mistral, 4096, 32, 131_072, 8, 128, 1e-6, 1e4, false, 4096)]
    [InlineData(ModelFamily.Mixtral, 4096, 32, 131_072, 8, 128, 1e-5, 1e6, false, 0)]
    [InlineData(ModelFamily.Qwen2, 4096, 32, 32_768, 32, 128, 1e-6, 1e4, false, 0)]
    [InlineData(ModelFamily.Qwen2Moe, 2048, 16, 32_768, 16, 128, 1e-6, 1e4, false, 0)]
    [InlineData(ModelFamily.Qwen3, 5120, 64, 32_768, 32, 128, 1e-6, 1e4, false, 0)]
    [InlineData(ModelFamily.Qwen3Moe, 2048, 32, 32_768, 4, 64, 1e-6, 1e4, false, 0)]
    [InlineData(ModelFamily.Gemma, 3072, 16, 8192, 16, 256, 1e-6, 1e4, true, 0)]
    [InlineData(ModelFamily.Gemma2, 2304, 8, 8192, 4, 256, 1e-6, 1e4, true, 4096)]
    [InlineData(ModelFamily.Gemma3, 2304, 8, 131_072, 4, 256, 1e-6, 1e6, true, 4096)]
    [InlineData(ModelFamily.Phi3, 3072, 32, 4096, 32, 96, 1e-5, 1e4, false, 0)]
    public void What_a_file_leaves_out_is_what_the_library_assumes(
        ModelFamily family, int width, int heads, int context, int kvHeads, int head, double epsilon, double theta, bool tied, int window)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, $"{{\"model_type\":\"{HuggingFaceFamily.Of(family).ModelType}\",\"hidden_size\":{width},\"intermediate_size\":8192,"
            + $"\"num_hidden_layers\":6,\"num_attention_heads\":{heads},\"vocab_size\":32064}}");
        Assert.Equal((context, kvHeads, head, (float)epsilon, theta, tied, window),
            (model.Context, model.KvHeads, model.HeadDimension, model.NormEpsilon, model.RopeTheta, model.TiedEmbeddings, model.SlidingWindow));
        Assert.Equal(family is ModelFamily.Gemma or ModelFamily.Gemma2 or ModelFamily.Gemma3 ? MlpActivation.GeluTanh : MlpActivation.Silu, model.Activation);
        Assert.Equal(family is ModelFamily.Qwen2 or ModelFamily.Qwen2Moe, model.QueryKeyValueBiases);
        Assert.False(model.AttentionOutputBias || model.MlpBiases);
        Assert.Equal(family switch
        {
            ModelFamily.Mixtral => (8, 2, 8192, 0, true),
            ModelFamily.Qwen2Moe => (60, 4, 1408, 5632, false),
            ModelFamily.Qwen3Moe => (128, 8, 768, 0, false),
            _ => (0, 0, 0, 0, false),
        }, (model.Experts, model.ExpertsPerToken, model.ExpertHiddenWidth, model.SharedExpertHiddenWidth, model.NormalizeExpertWeights));
        Assert.Equal(family is ModelFamily.Gemma2 or ModelFamily.Gemma3 ? 256 : 0, model.AttentionScalar);
        Assert.Equal(family == ModelFamily.Gemma2 ? (50, 30) : (0, 0), (model.AttentionSoftCap, model.LogitSoftCap));
    }

    // An object's own base and part go before the file's, and the file's own length of training before the object's.
    [Theory]
    [InlineData("\"rope_theta\":10000,\"rope_scaling\":{\"type\":\"linear\",\"factor\":2,\"rope_theta\":500000,\"partial_rotary_factor\":0.5}", 500_000, 4, 2048)]
    [InlineData("\"rope_theta\":10000,\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":2,\"rope_theta\":500000,\"partial_rotary_factor\":0.5}", 500_000, 4, 2048)]
    [InlineData("\"rope_scaling\":{},\"rope_parameters\":{\"rope_type\":\"yarn\",\"factor\":2,\"rope_theta\":500000}", 500_000, 0, 2048)]
    [InlineData("\"rope_theta\":500000,\"original_max_position_embeddings\":512,\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"original_max_position_embeddings\":1024}", 500_000, 0, 512)]
    [InlineData("\"rope_theta\":500000,\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2,\"original_max_position_embeddings\":1024}", 500_000, 0, 2048)]
    [InlineData("\"rope_theta\":500000,\"rope_scaling\":{\"type\":\"longrope\",\"factor\":1,\"long_factor\":[1,2,3,4],\"short_factor\":[1,1,1,1]}", 500_000, 0, 2048)]
    public void Numbers_about_rotary_positions_that_stand_twice_are_taken_as_the_library_takes_them(string keys, double theta, int dimension, int original)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(ModelFamily.Llama, ",\"head_dim\":8," + keys));
        Assert.Equal((theta, dimension, original), (model.RopeTheta, model.RotaryDimension, model.RotaryScaling!.OriginalContext));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData(",\"factor\":4", null)]
    [InlineData(",\"factor\":16", 1.2019)]
    [InlineData(",\"factor\":16,\"attention_factor\":1.5", 1.5)]
    public void The_stated_factor_of_a_long_text_sharpens_attention(string keys, double? attention)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(ModelFamily.Phi3,
            $",\"original_max_position_embeddings\":512,\"rope_scaling\":{{\"type\":\"longrope\",\"long_factor\":[1,2,3,4],\"short_factor\":[1,1,1,1]{keys}}}"));
        Assert.Equal(attention, model.RotaryScaling!.AttentionFactor is { } factor ? Math.Round(factor, 4) : null);
    }

    [Fact]
    public void The_first_llama_files_write_their_name_otherwise()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, """
            {"architectures":["LLaMAForCausalLM"],"bos_token_id":0,"eos_token_id":1,"hidden_act":"silu","hidden_size":32,"intermediate_size":48,"max_sequence_length":2048,"model_type":"llama",
             "num_attention_heads":4,"num_hidden_layers":2,"pad_token_id":-1,"rms_norm_eps":1e-06,"torch_dtype":"float16","vocab_size":61}
            """);
        Assert.Equal((ModelFamily.Llama, 2048), (model.Family, model.Context));
    }

    [Fact]
    public void The_newer_key_of_the_element_type_goes_first()
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json", Small(ModelFamily.Llama, ",\"torch_dtype\":\"float32\",\"dtype\":\"bfloat16\""));
        Assert.Equal(DType.BF16, HuggingFaceFolder.ReadConfig(folder.Path).ElementType);
    }

    [Fact]
    public void A_mixture_of_windows_without_a_period_is_refused()
    {
        using TemporaryFolder folder = new();
        string types = string.Join(',', "sfssfs".Select(static c => c == 's' ? "\"sliding_attention\"" : "\"full_attention\""));
        string config = Small(ModelFamily.Qwen2, $",\"use_sliding_window\":true,\"layer_types\":[{types}]").Replace("\"num_hidden_layers\":3", "\"num_hidden_layers\":6", StringComparison.Ordinal);
        Assert.Contains("layer_types mixes", Assert.Throws<FileFormatException>(() => Read(folder, config)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":2048}", 8192)]
    [InlineData("\"rope_scaling\":{\"type\":\"yarn\",\"factor\":4,\"original_max_position_embeddings\":512}", 2048)]
    [InlineData("\"rope_scaling\":{\"type\":\"yarn\",\"factor\":2,\"original_max_position_embeddings\":512}", 2048)]
    [InlineData("\"rope_scaling\":{\"type\":\"linear\",\"factor\":4}", 2048)]
    public void A_context_that_YaRN_stretches_is_the_stretched_one(string keys, int context)
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(ModelFamily.Llama, "," + keys));
        Assert.Equal(context, model.Context);
        HuggingFaceFolder.WriteConfig(folder.Path, new HuggingFaceConfig { Model = model });
        Assert.Equal(context, HuggingFaceFolder.ReadConfig(folder.Path).Model.Context);
    }

    [Theory]
    [InlineData("{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"text_config\":{SIZES}}", 2)]
    [InlineData("{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"text_config\":{SIZES,\"bos_token_id\":5}}", 5)]
    [InlineData("{\"architectures\":[\"Gemma3ForConditionalGeneration\"],\"bos_token_id\":null,\"text_config\":{SIZES,\"bos_token_id\":5}}", null)]
    [InlineData("{\"architectures\":[\"Gemma3ForCausalLM\"],\"text_config\":{SIZES},\"bos_token_id\":7}", 7)]
    [InlineData("{\"model_type\":\"llama\",SIZES}", null)]
    [InlineData("{\"model_type\":\"llama\",\"torch_dtype\":\"torch.bfloat16\",\"bos_token_id\":1,SIZES}", 1)]
    public void The_token_before_a_text_stands_where_the_model_has_it(string config, int? beginning)
    {
        using TemporaryFolder folder = new();
        folder.Write("config.json",
            config.Replace("SIZES",
            "\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":3,\"num_attention_heads\":4,\"num_key_value_heads\":4,\"vocab_size\":50,\"head_dim\":8", StringComparison.Ordinal));
        HuggingFaceConfig read = HuggingFaceFolder.ReadConfig(folder.Path);
        Assert.Equal(beginning, read.BeginningId);
        Assert.Equal(config.Contains("bfloat16", StringComparison.Ordinal) ? DType.BF16 : DType.F32, read.ElementType);
    }

    [Fact]
    public void DeepSeeks_sharpening_is_the_quotient_of_two()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, Small(ModelFamily.Llama, ",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":40,\"mscale\":0.7,\"mscale_all_dim\":1.4}"));
        Assert.Equal((0.07 * Math.Log(40) + 1) / (0.14 * Math.Log(40) + 1), model.RotaryScaling!.AttentionFactor!.Value, 12);
    }

    [Fact]
    public void Conventions_of_other_files_are_written_as_those_of_these()
    {
        using TemporaryFolder folder = new();
        ModelConfiguration model = Read(folder, FamilyFolder.Config(ModelFamily.Gemma)) with { NormGainOffset = 0, RotaryPairing = RotaryPairing.Neighbours };
        HuggingFaceFolder.WriteConfig(folder.Path, new HuggingFaceConfig { Model = model });
        ModelConfiguration again = HuggingFaceFolder.ReadConfig(folder.Path).Model;
        Assert.Equal((1, RotaryPairing.Halves), (again.NormGainOffset, again.RotaryPairing));
    }

    private static string Small(ModelFamily family, string keys)
    {
        HuggingFaceFamily facts = HuggingFaceFamily.Of(family);
        string sizes = family == ModelFamily.Gpt2 ? "\"n_embd\":32,\"n_head\":4,\"n_layer\":3"
            : "\"hidden_size\":32,\"intermediate_size\":48,\"num_hidden_layers\":3,\"num_attention_heads\":4,\"num_key_value_heads\":4,\"max_position_embeddings\":2048";
        return $"{{\"model_type\":\"{facts.ModelType}\",{sizes},\"vocab_size\":50{keys}}}";
    }

    private static ModelConfiguration Read(TemporaryFolder folder, string json)
    {
        folder.Write("config.json", json);
        return HuggingFaceFolder.ReadConfig(folder.Path).Model;
    }

    private static ModelConfiguration Flat(ModelConfiguration model) =>
        model with { RotaryScaling = model.RotaryScaling is { } scaling ? scaling with { ShortFactors = [], LongFactors = [] } : null };
}
