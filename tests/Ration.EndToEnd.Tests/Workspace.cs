using System.Text;

namespace Ration.EndToEnd.Tests;

/// <summary>A folder of its own for a test, with some text to learn from.</summary>
internal sealed class Workspace : IDisposable
{
    private static readonly string[] s_subjects = ["the budget", "a small model", "every byte", "the step", "a plan", "the weight", "one kernel"];
    private static readonly string[] s_verbs = ["holds", "fits", "counts", "learns", "places", "returns", "measures"];
    private static readonly string[] s_objects = ["the memory", "a gradient", "its state", "the loss", "nothing at all", "another token"];

    public Workspace()
    {
        Data = Path.Combine(Folder, "data");
        Directory.CreateDirectory(Data);
        File.WriteAllText(Path.Combine(Data, "first.txt"), Text(1, 400));
        File.WriteAllText(Path.Combine(Data, "second.txt"), Text(2, 300));
    }

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("ration-test-").FullName;

    /// <summary>A folder of two text files, some 25 kB.</summary>
    public string Data { get; }

    /// <summary>A path in the folder.</summary>
    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>Arguments of a quick training run; on one thread, because tests run beside each other.</summary>
    public string[] Train(string output, int steps, params string[] more) =>
        ["train", "--data", Data, "--output", this[output], "--steps", $"{steps}", "--sequence", "32", "--batch", "128", .. more.Contains("--threads") ? more : [.. more, "--threads", "1"]];

    /// <summary>The bytes of a saved model's weights.</summary>
    public byte[] Weights(string output) => File.ReadAllBytes(Path.Combine(this[output], "model.safetensors"));

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string Text(int seed, int sentences)
    {
        StringBuilder text = new();
        uint state = (uint)seed;
        string Pick(string[] words) => words[(int)(((state = (state * 1664525) + 1013904223) >> 16) % (uint)words.Length)];
        for (int i = 0; i < sentences; i++) text.Append(Pick(s_subjects)).Append(' ').Append(Pick(s_verbs)).Append(' ').Append(Pick(s_objects)).Append(".\n");
        return text.ToString();
    }
}
