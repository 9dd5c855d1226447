namespace Ration.Tokenizers.Merging;

/// <summary>Where the pieces of a text end, in order; used again and again.</summary>
internal sealed class PieceList
{
    private int[] _ends = new int[256];
    private int[] _spare = new int[256];
    private int _count;

    /// <summary>The ends, as offsets into the text.</summary>
    public ReadOnlySpan<int> Ends => _ends.AsSpan(0, _count);

    /// <summary>Where the last piece ends.</summary>
    public int Last => _count == 0 ? 0 : _ends[_count - 1];

    /// <summary>Empties it.</summary>
    public void Clear() => _count = 0;

    /// <summary>Ends a piece.</summary>
    public void Add(int end)
    {
        if (_count == _ends.Length) Array.Resize(ref _ends, _count * 2);
        _ends[_count++] = end;
    }

    /// <summary>Empties it, and gives what it held.</summary>
    public ReadOnlySpan<int> Take()
    {
        (_ends, _spare) = (_spare, _ends);
        int count = _count;
        _count = 0;
        return _spare.AsSpan(0, count);
    }
}
