using System.Buffers;
using System.Text;
using System.Text.Json;
using Ration.Graphs;

namespace Ration.Training.Page;

/// <summary>The moments of a chart as JSON, for the script of the page.</summary>
internal static class PlanData
{
    /// <summary>One object; characters that end a script element are escaped by the writer.</summary>
    public static string Write(PlanReport report, PlanLayers layers)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("peak", layers.Peak);
            Numbers(json, "x", layers.Moments.Select(static m => Math.Round(m.X, 5)));
            Numbers(json, "seconds", layers.Moments.Select(m => Rounded(report.Moments.Start(m.Instruction))));
            Labels(json, report, layers);
            json.WriteStartArray("layers");
            foreach (PlanLayer layer in layers.All) Layer(json, layer);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Labels(Utf8JsonWriter json, PlanReport report, PlanLayers layers)
    {
        Dictionary<(string Pass, string Scope, string Operation), int> numbers = [];
        json.WriteStartArray("label");
        foreach (PlanMoment moment in layers.Moments)
        {
            Node node = report.Plan.Program.Graph.Nodes[moment.Instruction];
            var label = (node.Pass.ToString().ToLowerInvariant(), node.Scope, PlanReport.Describe(node));
            if (!numbers.TryGetValue(label, out int number)) numbers[label] = number = numbers.Count;
            json.WriteNumberValue(number);
        }

        json.WriteEndArray();
        json.WriteStartArray("labels");
        foreach ((string pass, string scope, string operation) in numbers.Keys)
        {
            json.WriteStartArray();
            json.WriteStringValue(pass);
            json.WriteStringValue(scope);
            json.WriteStringValue(operation);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void Layer(Utf8JsonWriter json, PlanLayer layer)
    {
        json.WriteStartObject();
        json.WriteString("key", layer.Key);
        json.WriteString("name", layer.Name);
        if (!layer.Varies)
        {
            json.WriteNumber("bytes", layer.Bytes[0]);
        }
        else
        {
            json.WriteStartArray("bytes");
            foreach (long bytes in layer.Bytes) json.WriteNumberValue(bytes);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values) json.WriteNumberValue(value);
        json.WriteEndArray();
    }

    private static double Rounded(double seconds) => seconds == 0 ? 0 : double.Parse(seconds.ToString("G5", null), null);
}
