using Ration.Cli.Output;
using Ration.Models;

namespace Ration.Cli.Inspection;

/// <summary>An inspected model for programs.</summary>
internal static class InspectionJson
{
    private const int LongestValue = 4096;

    /// <summary>Writes one JSON object.</summary>
    public static void Write(InspectedModel model) => StandardOutput.WriteJson(json =>
    {
        json.Text("path", model.Path);
        json.Text("kind", model.Kind);
        json.TextOrNull("architecture", model.Configuration?.Family.ToString() ?? model.Architecture);
        json.TextOrNull("problem", model.Problem);
        json.Number("parameters", model.Parameters);
        json.Number("bytes", model.Bytes);
        if (model.Configuration is { } configuration) WriteConfiguration(json, configuration);
        WriteTokenizer(json, model);
        json.Object("types", types =>
        {
            foreach ((string type, int tensors, long bytes) in model.Storage()) types.Object(type, t => WriteType(t, tensors, bytes));
        });
        json.Object("metadata", metadata =>
        {
            foreach ((string key, string value) in model.Metadata.DistinctBy(static m => m.Key)) metadata.Text(key, value.Length > LongestValue ? value[..LongestValue] + "…" : value);
        });
        json.Objects("tensors", model.Tensors, WriteTensor);
    });

    private static void WriteConfiguration(JsonObject json, ModelConfiguration model)
    {
        json.Number("context", model.Context);
        json.Number("layers", model.Layers);
        json.Number("width", model.Width);
        json.Number("hiddenWidth", model.HiddenWidth);
        json.Number("heads", model.Heads);
        json.Number("kvHeads", model.KvHeads);
        json.Number("headDimension", model.HeadDimension);
        json.Number("vocabulary", model.Vocabulary);
        json.Number("experts", model.Experts);
    }

    private static void WriteTokenizer(JsonObject json, InspectedModel model)
    {
        json.TextOrNull("tokenizerProblem", model.TokenizerProblem);
        if (model.Tokenizer is not { } tokenizer)
        {
            json.TextOrNull("tokenizer", null);
            json.TextOrNull("chatTemplate", null);
            return;
        }

        json.Object("tokenizer", t =>
        {
            t.Text("name", tokenizer.Tokenizer.Name);
            t.Number("tokens", tokenizer.Tokenizer.VocabularySize);
            if (tokenizer.BeginningId is { } beginning) t.Number("beginningId", beginning);
            t.Numbers("endIds", tokenizer.EndIds);
            t.Flag("addBeginning", tokenizer.AddBeginning);
        });
        json.TextOrNull("chatTemplate", tokenizer.ChatTemplate);
    }

    private static void WriteType(JsonObject json, int tensors, long bytes)
    {
        json.Number("tensors", tensors);
        json.Number("bytes", bytes);
    }

    private static void WriteTensor(JsonObject json, InspectedTensor tensor)
    {
        json.Text("name", tensor.Name);
        json.Text("type", tensor.Type);
        json.Numbers("shape", [.. Enumerable.Range(0, tensor.Shape.Rank).Select(i => tensor.Shape[i])]);
        json.Number("bytes", tensor.Bytes);
    }
}
