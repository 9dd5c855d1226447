using System.Buffers.Binary;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>The command line of a small training run, and what such a run leaves behind.</summary>
internal static class TrainingJob
{
    /// <summary>The model's weights.</summary>
    public const string Model = "model.safetensors";

    /// <summary>The state of the run.</summary>
    public const string Checkpoint = "checkpoint.safetensors";

    /// <summary>A run of nano: rows of 64 tokens, four a step unless told otherwise.</summary>
    public static string[] Arguments(string data, string output, int steps = 5, int threads = 1, string command = "train", int batch = 256) =>
    [
        command, "--model", "preset:nano", "--data", data, "--output", output, "--steps", Text(steps), "--batch", Text(batch), "--sequence", "64",
        "--threads", Text(threads),
    ];

    /// <summary>Trains and expects it to work.</summary>
    public static ToolResult Run(IEnumerable<string> arguments, params IEnumerable<string> more) =>
        ToolRun.Run([.. arguments, .. more]).AssertDone();

    /// <summary>The bytes of the weights that a run saved.</summary>
    public static byte[] ModelBytes(string output) => File.ReadAllBytes(Path.Combine(output, Model));

    /// <summary>The bytes of the state that a run saved.</summary>
    public static byte[] CheckpointBytes(string output) => File.ReadAllBytes(Path.Combine(output, Checkpoint));

    /// <summary>How many steps the checkpoint of a run has behind it; 0 where there is none.</summary>
    public static long StepsDone(string output)
    {
        string path = Path.Combine(output, Checkpoint);
        if (!File.Exists(path)) return 0;
        using FileStream file = Open(path);
        Span<byte> length = stackalloc byte[8];
        file.ReadExactly(length);
        byte[] header = new byte[BinaryPrimitives.ReadInt64LittleEndian(length)];
        file.ReadExactly(header);
        using JsonDocument json = JsonDocument.Parse(header);
        return long.Parse(json.RootElement.GetProperty("__metadata__").GetProperty("steps_done").GetString()!, CultureInfo.InvariantCulture);
    }

    /// <summary>The smallest budget that would do, in bytes, which a refusal names.</summary>
    public static long SmallestBudget(string refusal)
    {
        Match bytes = Regex.Match(refusal, "smallest budget that fits is --memory [0-9]+MiB \\(([0-9]+) bytes\\)");
        Assert.True(bytes.Success, $"no budget in: {refusal}");
        return long.Parse(bytes.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    /// <summary>A number as it is written on a command line.</summary>
    public static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    // A file that was just renamed into its place is locked until its writer closes it.
    private static FileStream Open(string path)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (IOException) when (attempt < 1000)
            {
                Thread.Sleep(1);
            }
        }
    }
}
