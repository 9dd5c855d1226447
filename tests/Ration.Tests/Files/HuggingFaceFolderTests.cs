using System.Text.Json;
using System.Text.Json.Nodes;
using Ration.Files;
using Ration.Files.HuggingFace;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Tests.Files;

public sealed class HuggingFaceFolderTests
{
    private static readonly HuggingFaceConfig s_config = new()
    {
        Model = new ModelConfiguration
        {
            Name = "model",
            Width = 192,
            HiddenWidth = 512,
            Layers = 3,
            Heads = 6,
            KvHeads = 2,
            HeadDimension = 32,
            Vocabulary = 260,
            Context = 777,
            RopeTheta = 500_000,
            NormEpsilon = 1e-5f,
            TiedEmbeddings = true,
        },
        ElementType = DType.BF16,
        Tokenizer = "bytes",
    };

    [Fact]
    public void A_configuration_comes_back_as_it_went()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        Assert.Equal(s_config, Read(folder));
        HuggingFaceConfig other = s_config with { Tokenizer = null, ElementType = DType.F16, BeginningId = 7, Model = s_config.Model with { RopeTheta = 1234.5678901234567 } };
        HuggingFaceFolder.WriteConfig(folder.Path, other);
        Assert.Equal(other, Read(folder));
    }

    [Fact]
    public void The_ends_of_texts_are_those_of_the_generation_settings_if_there_are_such()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config with { EndIds = [5] });
        Assert.Equal([5], HuggingFaceFolder.ReadConfig(folder.Path).EndIds);
        folder.Write("generation_config.json", """{"eos_token_id":[7,9],"temperature":0.6}""");
        Assert.Equal([7, 9], HuggingFaceFolder.ReadConfig(folder.Path).EndIds);
        folder.Write("generation_config.json", """{"eos_token_id":"x"}""");
        Assert.Throws<FileFormatException>(() => HuggingFaceFolder.ReadConfig(folder.Path));
    }

    [Fact]
    public void Damage_is_said_to_be_where_it_is()
    {
        using var folder = new TemporaryFolder();
        folder.Write("config.json", "{\n  \"model_type\": \"llama\",\n  oops");
        Assert.Contains("at byte 3 of line 3", Assert.Throws<FileFormatException>(() => HuggingFaceFolder.ReadConfig(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_file_says_what_other_readers_look_for()
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        string text = File.ReadAllText(folder["config.json"]);
        Assert.EndsWith("}\n", text, StringComparison.Ordinal);
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
        HuggingFaceConfig config = Read(folder);
        Assert.Equal(DType.F16, config.ElementType);
        Assert.Null(config.Tokenizer);
        Assert.Equal(new ModelConfiguration
        {
            Name = "model",
            Width = 64,
            HiddenWidth = 128,
            Layers = 2,
            Heads = 4,
            KvHeads = 4,
            HeadDimension = 16,
            Vocabulary = 100,
            Context = 2048,
            RopeTheta = 20_000,
            NormEpsilon = 1e-6f,
        }, config.Model);
    }

    [Theory]
    [InlineData("architectures", """["MambaForCausalLM"]""", "'MambaForCausalLM'")]
    [InlineData("architectures", """[3]""", "'3'")]
    [InlineData("architectures", """["LlamaForCausalLM","\uD800"]""", "not valid JSON")]
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
    [InlineData("hidden_act", "\"relu\"", "'relu'")]
    [InlineData("attention_bias", "3", "attention_bias")]
    [InlineData("rope_scaling", """{"rope_type":"llama3","factor":8.0}""", "original_max_position_embeddings is missing")]
    [InlineData("rope_scaling", """{"rope_type":"mrope","factor":8.0}""", "'mrope'")]
    [InlineData("rope_scaling", """{"rope_type":"linear","factor":0.5}""", "factor is 0.5")]
    [InlineData("rope_scaling", """{"type":"longrope","short_factor":[1],"long_factor":[1]}""", "short_factor has 1 numbers")]
    [InlineData("rope_scaling", "3", "rope_scaling is not an object")]
    [InlineData("partial_rotary_factor", "0.01", "rotates 0 of 32")]
    [InlineData("quantization_config", "{}", "quantized")]
    [InlineData("torch_dtype", "\"int8\"", "'int8'")]
    [InlineData("ration", "3", "ration is not an object")]
    [InlineData("torch_dtype", "\"\\uD800\"", "not valid JSON")]
    public void Values_are_checked(string key, string value, string fault)
    {
        using var folder = new TemporaryFolder();
        HuggingFaceFolder.WriteConfig(folder.Path, s_config);
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["config.json"]))!.AsObject();
        json.Remove(key);
        string rest = json.ToJsonString();
        folder.Write("config.json", $"{rest[..^1]},\"{key}\":{value}}}");
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
        Assert.Throws<InvalidInputException>(() => HuggingFaceFolder.WriteConfig(folder.Path, s_config with { Model = s_config.Model with { Heads = 5 } }));
        Assert.Throws<InvalidInputException>(() => HuggingFaceFolder.WriteConfig(folder.Path, s_config with { Model = s_config.Model with { SlidingWindow = 9 } }));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
        Assert.Throws<InvalidInputException>(() => HuggingFaceFolder.ReadConfig(folder.Path));
    }

    // The name is the folder's, and a list equals no other list.
    private static HuggingFaceConfig Read(TemporaryFolder folder)
    {
        HuggingFaceConfig config = HuggingFaceFolder.ReadConfig(folder.Path);
        return config with { Model = config.Model with { Name = "model" }, EndIds = s_config.EndIds };
    }
}
