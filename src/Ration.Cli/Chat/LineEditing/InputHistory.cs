namespace Ration.Cli.Chat.LineEditing;

/// <summary>What was entered before, to go through; the draft that is left behind meanwhile is kept.</summary>
internal sealed class InputHistory
{
    private const int MostEntries = 1000;
    private readonly List<string> _entries = [];
    private string _draft = "";
    private int _at;

    /// <summary>Leaves the history and keeps an entry as its newest, unless it is so already or blank.</summary>
    public void Add(string entry)
    {
        if (!string.IsNullOrWhiteSpace(entry) && (_entries.Count == 0 || _entries[^1] != entry)) _entries.Add(entry);
        if (_entries.Count > MostEntries) _entries.RemoveAt(0);
        (_at, _draft) = (_entries.Count, "");
    }

    /// <summary>The entry before; null at the oldest.</summary>
    /// <param name="current">What is being edited.</param>
    public string? Older(string current)
    {
        if (_at == 0) return null;
        if (_at == _entries.Count) _draft = current;
        return _entries[--_at];
    }

    /// <summary>The entry after, after the newest the draft; null where that is shown already.</summary>
    public string? Newer() => _at == _entries.Count ? null : ++_at == _entries.Count ? _draft : _entries[_at];
}
