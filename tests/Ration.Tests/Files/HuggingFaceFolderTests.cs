using System.Text.Json;
using System.Text.Json.Nodes;
using Ration.Files;
using Ration.Tensors;

namespace Ration.Tests.Files;

public sealed class HuggingFaceFolderTests
{
    private static readonly HuggingFaceLlamaConfig s_config = new()
    {
        HiddenSize = 192,
        IntermediateSize = 512,
        Layers = 3,
        Heads = 6,
        KvHeads = 2,
        HeadDimension = 32,
        VocabularySize = 260,
        MaxPositions = 777,
        RopeTheta = 500_000,
        RmsNormEpsilon = 1e-5,
        TieWordEmbeddings = true,
        TorchDtype = DType.BF16,
        Tokenizer = "bytes",
    };

    [Fact]
    public void A_configuration_comes_back_as_it_went()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        Assert.Equal(s_config, HuggingFaceFolder.ReadConfig(folder.Path));
        HuggingFaceLlamaConfig other = s_config with { Tokenizer = null, TorchDtype = DType.F16, RopeTheta = 1234.5678901234567 };
        HuggingFaceFolder.WriteConfig(folder.Path, other);
        Assert.Equal(other, HuggingFaceFolder.ReadConfig(folder.Path));
    }

    [Fact]
    public void The_file_says_what_other_readers_look_for()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        string text = File.ReadAllText(folder["config.json"]);
        using var json = JsonDocument.Parse(text);
        Assert.Equal("LlamaForCausalLM", json.RootElement.GetProperty("architectures")[0].GetString());
        Assert.Equal("llama", json.RootElement.GetProperty("model_type").GetString());
        Assert.Equal("500000.0", json.RootElement.GetProperty("rope_theta").GetRawText());
        Assert.Equal("bfloat16", json.RootElement.GetProperty("torch_dtype").GetString());
        Assert.Equal("bytes", json.RootElement.GetProperty("ration").GetProperty("tokenizer").GetString());
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("eos_token_id").ValueKind);
    }

    [Fact]
    public void What_is_left_out_has_the_defaults_of_the_format()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", """
            {"model_type":"llama","hidden_size":64,"intermediate_size":128,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,
             "rope_scaling":null,"rope_parameters":{"rope_type":"default","rope_theta":20000},"dtype":"float16","use_cache":true}
            """);
        HuggingFaceLlamaConfig config = HuggingFaceFolder.ReadConfig(folder.Path);
        Assert.Equal(new HuggingFaceLlamaConfig
        {
            HiddenSize = 64,
            IntermediateSize = 128,
            Layers = 2,
            Heads = 4,
            KvHeads = 4,
            HeadDimension = 16,
            VocabularySize = 100,
            MaxPositions = 2048,
            RopeTheta = 20_000,
            RmsNormEpsilon = 1e-6,
            TieWordEmbeddings = false,
            TorchDtype = DType.F16,
            Tokenizer = null,
        }, config);
    }

    [Theory]
    [InlineData("architectures", """["MistralForCausalLM"]""", "'MistralForCausalLM'")]
    [InlineData("architectures", """[3]""", "'3'")]
    [InlineData("architectures", """["LlamaForCausalLM","\uD800"]""", null)]
    [InlineData("hidden_size", "0", "hidden_size is 0")]
    [InlineData("hidden_size", "-192", "hidden_size")]
    [InlineData("hidden_size", "99999999999999999999", "hidden_size")]
    [InlineData("hidden_size", "192.5", "hidden_size")]
    [InlineData("hidden_size", "\"192\"", "hidden_size")]
    [InlineData("hidden_size", "null", "hidden_size is missing")]
    [InlineData("num_hidden_layers", "1000000", "num_hidden_layers")]
    [InlineData("num_attention_heads", "0", "num_attention_heads")]
    [InlineData("num_key_value_heads", "4", "not a multiple")]
    [InlineData("num_key_value_heads", "7", "num_key_value_heads")]
    [InlineData("head_dim", "33", "odd")]
    [InlineData("vocab_size", "2147483647", "vocab_size")]
    [InlineData("rope_theta", "0", "rope_theta")]
    [InlineData("rope_theta", "1e999", "rope_theta")]
    [InlineData("rms_norm_eps", "-1", "rms_norm_eps")]
    [InlineData("tie_word_embeddings", "1", "tie_word_embeddings")]
    [InlineData("hidden_act", "\"gelu\"", "'gelu'")]
    [InlineData("attention_bias", "true", "attention_bias")]
    [InlineData("mlp_bias", "true", "mlp_bias")]
    [InlineData("rope_scaling", """{"rope_type":"llama3","factor":8.0}""", "'llama3'")]
    [InlineData("quantization_config", "{}", "quantized")]
    [InlineData("torch_dtype", "\"int8\"", "'int8'")]
    [InlineData("ration", "3", "ration is not an object")]
    [InlineData("torch_dtype", "\"\\uD800\"", "not valid JSON")]
    public void Values_are_checked(string key, string value, string? fault)
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        json.Remove(key);
        string rest = json.ToJsonString();
        folder.Write("config.json", $"{rest[..^1]},\"{key}\":{value}}}");
        if (fault is null)
        {
            HuggingFaceFolder.ReadConfig(folder.Path);
            return;
        }

        FileFormatException error = Assert.Throws<FileFormatException>(() => HuggingFaceFolder.ReadConfig(folder.Path));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("3")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{}")]
    public void Other_files_are_refused(string text)
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", text);
        Assert.Throws<FileFormatException>(() => HuggingFaceFolder.ReadConfig(folder.Path));
    }

    [Fact]
    public void Damaged_files_give_one_kind_of_error()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        byte[] good = File.ReadAllBytes(folder["config.json"]);
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = (byte[])good.Clone();
            for (int i = random.Next(1, 4); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            if (round % 4 == 0) bytes = bytes[..random.Next(1, bytes.Length)];
            folder.Write("config.json", bytes);
            try
            {
                HuggingFaceFolder.ReadConfig(folder.Path);
            }
            catch (InvalidInputException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1000, 1999);
    }

    [Fact]
    public void A_configuration_that_could_not_be_read_is_not_written()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<ArgumentException>(() => HuggingFaceFolder.WriteConfig(folder.Path, s_config with { Heads = 5 }));
        Assert.Throws<ArgumentException>(() => HuggingFaceFolder.WriteConfig(folder.Path, s_config with { TorchDtype = DType.I32 }));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        Assert.Throws<InvalidInputException>(() => HuggingFaceFolder.ReadConfig(folder.Path));
    }
}
