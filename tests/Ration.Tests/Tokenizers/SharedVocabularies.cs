using System.Text;

namespace Ration.Tests.Tokenizers;

/// <summary>Vocabularies of real models that lie beside the repository, where they do: files, texts and the ids that the texts must become.</summary>
internal static class SharedVocabularies
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    /// <summary>The file of a vocabulary; skips the test where it is not.</summary>
    public static string Path(string name)
    {
        string path = System.IO.Path.Combine(Folder(), $"ggml-vocab-{name}.gguf");
        Assert.SkipUnless(File.Exists(path), $"the vocabulary {name} does not lie beside the repository (shared/data/tokenizers)");
        return path;
    }

    /// <summary>The texts of a vocabulary and their ids.</summary>
    public static IEnumerable<(string Text, int[] Ids)> Cases(string path)
    {
        string[] texts = File.ReadAllText(path + ".inp", Encoding.UTF8).Split(Separator);
        string[] lines = File.ReadAllLines(path + ".out");
        // The texts are one more than the lines where the separator ends the file.
        for (int i = 0; i < lines.Length; i++)
            yield return (texts[i], [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)]);
    }

    /// <summary>A text of Shakespeare's, of a megabyte; skips the test where it is not.</summary>
    public static byte[] Shakespeare()
    {
        string path = System.IO.Path.Combine(Folder(), "..", "tinyshakespeare.txt");
        Assert.SkipUnless(File.Exists(path), "the text does not lie beside the repository (shared/data)");
        return File.ReadAllBytes(path);
    }

    private static string Folder()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !Directory.Exists(System.IO.Path.Combine(folder.FullName, "shared", "data"))) folder = folder.Parent;
        return System.IO.Path.Combine(folder?.FullName ?? "", "shared", "data", "tokenizers");
    }
}
