using System.Globalization;
using Ration.Cli.Output;
using Ration.Memory;
using Ration.Models;
using Ration.Tokenizers;

namespace Ration.Cli.Inspection;

/// <summary>An inspected model for people.</summary>
internal sealed class InspectionText(TextWriter writer)
{
    private const int LongestValue = 100, WidestKey = 60, WidestName = 120;

    /// <summary>Writes all of it.</summary>
    public void Write(InspectedModel model)
    {
        WriteHead(model);
        if (model.Configuration is { } configuration) WriteConfiguration(configuration);
        WriteTokenizer(model);
        WriteStorage(model);
        WriteMetadata(model);
        WriteTensors(model);
    }

    private void WriteHead(InspectedModel model)
    {
        writer.WriteLine($"{Printable.Of(model.Path)}: {model.Kind}{(model.Tensors.Count > 0 ? $", {Counted.Of(model.Tensors.Count, "tensor")}, {new ByteSize(model.Bytes)}" : "")}");
        if (model.Configuration is null && model.Architecture is { } name) Row("architecture", Printable.Of(name, LongestValue));
        if (model.Problem is { } problem) Row("", $"Ration cannot run it: {Printable.Of(problem)}");
        if (model.Configuration is null && model.Tensors.Count > 0) Row("numbers", Number(model.Parameters));
    }

    private void WriteConfiguration(ModelConfiguration model)
    {
        Row("architecture",
            $"{model.Family}, {Counted.Of(model.Layers, "layer")}, width {Number(model.Width)}, MLP {Number(model.HiddenWidth)}, "
            + $"{Counted.Of(model.Heads, "head")} of {model.HeadDimension}, {Counted.Of(model.KvHeads, "key and value head")}");
        if (model.Experts > 0) Row("experts", $"{model.Experts}, of which a token goes through {model.ExpertsPerToken}, each with an MLP of {Number(model.ExpertHiddenWidth)}");
        Row("parameters", Number(model.Parameters));
        Row("context", $"{Number(model.Context)} tokens{(model.SlidingWindow > 0 ? $", windows of {Number(model.SlidingWindow)}" : "")}");
        Row("vocabulary", $"{Number(model.Vocabulary)} tokens");
    }

    private void WriteTokenizer(InspectedModel model)
    {
        if (model.TokenizerProblem is { } problem) Row("tokenizer", $"none that Ration can use: {Printable.Of(problem)}");
        if (model.Tokenizer is not { } tokenizer)
        {
            if (model.TokenizerProblem is null && model.Configuration is not null) Row("tokenizer", "none in these files");
            return;
        }

        string beginning = tokenizer.BeginningId is { } id ? $", texts {(tokenizer.AddBeginning ? "begin" : "may begin")} with {Token(tokenizer.Tokenizer, id)}" : "";
        string ends = tokenizer.EndIds.Count > 0 ? $", end at {string.Join(", ", tokenizer.EndIds.Select(end => Token(tokenizer.Tokenizer, end)))}" : "";
        Row("tokenizer", $"{Printable.Of(tokenizer.Tokenizer.Name)}, {Number(tokenizer.Tokenizer.VocabularySize)} tokens{beginning}{ends}");
        string others = tokenizer.ChatTemplates.Count > 1 ? $"; by name: {Printable.Of(string.Join(", ", tokenizer.ChatTemplates.Keys), LongestValue)}" : "";
        Row("chat template", (tokenizer.ChatTemplate is { } template ? $"{Number(template.Length)} characters" : "none") + others);
    }

    private void WriteStorage(InspectedModel model)
    {
        string name = "storage";
        foreach ((string type, int tensors, long bytes) in model.Storage())
        {
            Row(name, $"{Printable.Of(type),-8} {Counted.Of(tensors, "tensor"),-14} {new ByteSize(bytes),10}");
            name = "";
        }
    }

    private void WriteMetadata(InspectedModel model)
    {
        if (model.Metadata.Count == 0) return;
        writer.WriteLine();
        writer.WriteLine("metadata");
        int width = Math.Min(WidestKey, model.Metadata.Max(static m => m.Key.Length));
        foreach ((string key, string value) in model.Metadata) writer.WriteLine($"  {Printable.Of(key).PadRight(width)}  {Printable.Of(value, LongestValue)}");
    }

    private void WriteTensors(InspectedModel model)
    {
        if (model.Tensors.Count == 0) return;
        writer.WriteLine();
        int width = Math.Min(WidestName, Math.Max("tensors".Length, model.Tensors.Max(static t => t.Name.Length)));
        int shapeWidth = Math.Max("shape".Length, model.Tensors.Max(static t => t.Shape.ToString().Length));
        writer.WriteLine($"  {"tensors".PadRight(width)}  {"type",-8}  {"shape".PadRight(shapeWidth)}  {"bytes",15}");
        foreach (InspectedTensor tensor in model.Tensors)
            writer.WriteLine($"  {Printable.Of(tensor.Name).PadRight(width)}  {Printable.Of(tensor.Type),-8}  {tensor.Shape.ToString().PadRight(shapeWidth)}  {Number(tensor.Bytes),15}");
    }

    private void Row(string name, string value) => writer.WriteLine($"  {name,-14}{value}");

    private static string Token(ITokenizer tokenizer, int id)
    {
        if (id < 0 || id >= tokenizer.VocabularySize) return Number(id);
        ReadOnlySpan<byte> special = tokenizer.SpecialBytes(id);
        return special.IsEmpty ? $"{id}" : $"{id} {Printable.Of(System.Text.Encoding.UTF8.GetString(special), LongestValue)}";
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
