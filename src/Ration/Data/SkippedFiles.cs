namespace Ration.Data;

/// <summary>How many files and folders a corpus left out, by reason.</summary>
/// <param name="Empty">Files of no bytes, pipes and devices among them.</param>
/// <param name="Binary">Files with a NUL or with invalid UTF-8 near their start.</param>
/// <param name="Unreadable">Files and folders without read permission, and links that lead nowhere.</param>
/// <param name="Repeated">Files that another of the given paths had already named.</param>
/// <param name="Folders">Hidden folders, build outputs, and links to folders.</param>
public readonly record struct SkippedFiles(int Empty, int Binary, int Unreadable, int Repeated, int Folders)
{
    /// <summary>All files left out; folders do not count.</summary>
    public int Total => Empty + Binary + Unreadable + Repeated;

    /// <summary>For example <c>3 empty, 12 binary</c>; <c>none</c> if nothing was left out.</summary>
    public override string ToString()
    {
        var parts = new List<string>(5);
        Add(Empty, "empty");
        Add(Binary, "binary");
        Add(Unreadable, "unreadable");
        Add(Repeated, "repeated");
        Add(Folders, Folders == 1 ? "folder" : "folders");
        return parts.Count == 0 ? "none" : string.Join(", ", parts);

        void Add(int count, string what)
        {
            if (count > 0) parts.Add($"{count} {what}");
        }
    }
}
