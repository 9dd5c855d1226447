using System.Globalization;
using System.Text;
using System.Text.Json;
using Ration.Files;
using Ration.Planning;

namespace Ration.Training.Calibration;

/// <summary>
/// The measured rates of this machine, kept in the user's folder for application data so that plans are made alike from one day to the next.
/// What cannot be read, or is of another machine, counts as not measured.
/// </summary>
public static class MachineRatesFile
{
    private const int LargestBytes = 4 << 20;

    /// <summary>Where it is kept, or null where the user has no such folder. <c>RATION_RATES</c> names another file.</summary>
    public static string? DefaultPath
    {
        get
        {
            if (Environment.GetEnvironmentVariable("RATION_RATES") is { Length: > 0 } named) return named;
            string folder = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData);
            return folder.Length == 0 ? null : Path.Combine(folder, "ration", "machine-rates.json");
        }
    }

    /// <summary>Writes rates.</summary>
    /// <param name="path">The file; its folder is made if need be.</param>
    /// <param name="device">The device they are of, as it describes itself.</param>
    /// <param name="rates">The rates.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static void Save(string path, string device, MachineRates rates)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(path, stream =>
        {
            using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteString("machine", MachineOf(device));
            json.WriteNumber("flops", rates.Flops);
            json.WriteNumber("bytesPerSecond", rates.BytesPerSecond);
            json.WriteNumber("secondsPerNode", rates.SecondsPerNode);
            json.WriteStartObject("operations");
            foreach ((string name, WorkTimes times) in rates.Measured.OrderBy(static m => m.Key, StringComparer.Ordinal))
            {
                json.WriteStartArray(name);
                foreach (WorkTime point in times.Points)
                {
                    json.WriteNumberValue(point.Work);
                    json.WriteNumberValue(point.Seconds);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        });
    }

    /// <summary>Reads rates, or null where there are none of this machine.</summary>
    /// <param name="path">The file; null for none.</param>
    /// <param name="device">The device, as it describes itself.</param>
    public static MachineRates? TryLoad(string? path, string device)
    {
        try
        {
            if (path is null || !InputFile.HasContent(path) || InputFile.LengthOf(path) > LargestBytes) return null;
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            if (root.GetProperty("machine").GetString() != MachineOf(device)) return null;
            Dictionary<string, WorkTimes> measured = [];
            foreach (JsonProperty operation in root.GetProperty("operations").EnumerateObject())
            {
                double[] numbers = [.. operation.Value.EnumerateArray().Select(static n => n.GetDouble())];
                measured[operation.Name] = new WorkTimes(numbers.Chunk(2).Select(static pair => new WorkTime(pair[0], pair[^1])));
            }

            return new MachineRates(Positive(root, "flops"), Positive(root, "bytesPerSecond"), Positive(root, "secondsPerNode")) { Measured = measured };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or ArgumentException or FormatException)
        {
            return null;
        }
    }

    private static double Positive(JsonElement root, string name) => root.GetProperty(name).GetDouble() is > 0 and < double.PositiveInfinity and var number ? number : throw new FormatException(name);

    private static string MachineOf(string device) =>
        new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Environment.MachineName}, {Environment.ProcessorCount} processors, {device}").ToString();
}
