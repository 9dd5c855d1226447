namespace Ration.Tokenizers.Merging;

/// <summary>A growing list of tokens that is used again and again.</summary>
internal sealed class TokenBuffer
{
    private int[] _tokens = new int[64];
    private int _count;

    /// <summary>The tokens added since it was cleared.</summary>
    public Span<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>Empties it, and lets go of memory that only an unusual text needed.</summary>
    public void Clear()
    {
        _count = 0;
        if (_tokens.Length > 1 << 16) _tokens = new int[64];
    }

    /// <summary>Adds one.</summary>
    public void Add(int token)
    {
        if (_count == _tokens.Length) Array.Resize(ref _tokens, _count * 2);
        _tokens[_count++] = token;
    }

    /// <summary>Keeps the first so many.</summary>
    public void Truncate(int count) => _count = count;
}
