namespace Ration.Data;

/// <summary>
/// The text files under some paths, in an order that depends on nothing but their names. Only the first bytes of each file are read here;
/// memory grows with the number of files, not with their size.
/// </summary>
public sealed class TextCorpus
{
    private TextCorpus(IReadOnlyList<TextDocument> documents, SkippedFiles skipped)
    {
        Documents = documents;
        Skipped = skipped;
        foreach (TextDocument document in documents) Bytes += document.Bytes;
    }

    /// <summary>The files: in the order of the given paths, and within a folder by relative path, ordinally.</summary>
    public IReadOnlyList<TextDocument> Documents { get; }

    /// <summary>What was found but left out.</summary>
    public SkippedFiles Skipped { get; }

    /// <summary>The length of all documents together.</summary>
    public long Bytes { get; }

    /// <summary>
    /// Finds the text files. A file named here is taken wherever it lies; in folders, hidden folders, <c>bin</c>, <c>obj</c>,
    /// <c>node_modules</c> and links to folders are not entered.
    /// </summary>
    /// <exception cref="InvalidInputException">A path does not exist or cannot be read, or there is no text under any of them.</exception>
    public static TextCorpus Open(params IEnumerable<string> paths) => Open(paths, leaveOut: null);

    /// <summary>As <see cref="Open(IEnumerable{string})"/>, but a folder that is met on the way is not entered: the one that a run writes
    /// to, so that it does not learn from its own output.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="leaveOut">The folder, or null.</param>
    public static TextCorpus Open(IEnumerable<string> paths, string? leaveOut)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var finder = new TextFileFinder(leaveOut);
        var names = new List<string>();
        foreach (string path in paths)
        {
            finder.Add(path);
            names.Add(path);
        }

        if (names.Count == 0) throw new InvalidInputException("no data was given; name a text file or a folder of them");
        if (finder.Documents.Count > 0) return new TextCorpus(finder.Documents, finder.Skipped);
        SkippedFiles skipped = finder.Skipped;
        string where = string.Join(", ", names);
        string why = skipped.Total == 0 ? "there are no files" : skipped.Binary == skipped.Total ? "there are only binary files"
            : skipped.Empty == skipped.Total ? "there are only empty files" : $"no file can be used (left out: {skipped})";
        throw new InvalidInputException($"{where}: {why}; give UTF-8 text");
    }
}
