using System.Globalization;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Ration.Tensors;

namespace Ration.Files;

/// <summary>A model folder as the Hugging Face libraries lay it out: <c>config.json</c> beside safetensors files.</summary>
public static class HuggingFaceFolder
{
    /// <summary>The name of the configuration file.</summary>
    public const string ConfigName = "config.json";

    /// <summary>The name of a single weight file.</summary>
    public const string WeightsName = "model.safetensors";

    private const int ConfigLimit = 4 << 20;

    /// <summary>Writes <c>config.json</c> atomically into a folder that exists.</summary>
    /// <exception cref="ArgumentException">The configuration is not one that <see cref="ReadConfig"/> would accept.</exception>
    public static void WriteConfig(string folder, HuggingFaceLlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        string path = Path.Combine(folder, ConfigName);
        try
        {
            HuggingFaceConfigReader.Check(path, config);
        }
        catch (FileFormatException e)
        {
            throw new ArgumentException(e.Message, nameof(config), e);
        }

        AtomicFile.Write(path, stream =>
        {
            using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
            WriteObject(json, config);
        });
    }

    /// <summary>Reads and checks <c>config.json</c>.</summary>
    /// <exception cref="FileFormatException">The file is no JSON object, a number is missing or out of range, or the architecture is
    /// another one.</exception>
    /// <exception cref="InvalidInputException">The file is missing or may not be read.</exception>
    public static HuggingFaceLlamaConfig ReadConfig(string folder)
    {
        string path = Path.Combine(folder, ConfigName);
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > ConfigLimit)
            throw new FileFormatException(path, $"the file has {length} bytes, too many for a configuration", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        try
        {
            using var document = JsonDocument.Parse(bytes);
            RequireDistinct(path, document.RootElement);
            return new HuggingFaceConfigReader(path, document.RootElement).ReadLlama();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FileFormatException(path, $"the file is not valid JSON ({e.Message})",
                "mend it or copy it again from the model's source", e);
        }
    }

    // The parser's own check seeds its hashes from OpenSSL, whose library would take nine megabytes of the budget.
    private static void RequireDistinct(string path, JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!names.Add(property.Name))
                throw new FileFormatException(path, $"{InvalidInputException.Quote(property.Name)} is given twice", "mend it or copy it again from the model's source");
            RequireDistinct(path, property.Value);
        }
    }

    private static void WriteObject(Utf8JsonWriter json, HuggingFaceLlamaConfig config)
    {
        json.WriteStartObject();
        json.WriteStartArray("architectures");
        json.WriteStringValue(HuggingFaceConfigReader.LlamaArchitecture);
        json.WriteEndArray();
        json.WriteString("model_type", "llama");
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("num_hidden_layers", config.Layers);
        json.WriteNumber("num_attention_heads", config.Heads);
        json.WriteNumber("num_key_value_heads", config.KvHeads);
        json.WriteNumber("head_dim", config.HeadDimension);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        WriteReal(json, "rope_theta", config.RopeTheta);
        WriteReal(json, "rms_norm_eps", config.RmsNormEpsilon);
        json.WriteBoolean("tie_word_embeddings", config.TieWordEmbeddings);
        json.WriteString("hidden_act", "silu");
        json.WriteBoolean("attention_bias", false);
        json.WriteBoolean("mlp_bias", false);
        json.WriteString("torch_dtype", HuggingFaceConfigReader.NameOf(config.TorchDtype));
        // Left out, readers assume ids 1 and 2, which are ordinary tokens of other vocabularies.
        json.WriteNull("bos_token_id");
        json.WriteNull("eos_token_id");
        if (config.Tokenizer is not null)
        {
            json.WriteStartObject("ration");
            json.WriteString("tokenizer", config.Tokenizer);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    // Always with a point or an exponent: strict readers take 10000 for an integer.
    private static void WriteReal(Utf8JsonWriter json, string name, double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture);
        json.WritePropertyName(name);
        json.WriteRawValue(text.AsSpan().ContainsAny('.', 'E') ? text : text + ".0");
    }
}
