namespace Ration.Tokenizers.PreTokenizers;

/// <summary>A run of characters of one set, perhaps with one before it and some after it: <c>lead? body{minimum,maximum} tail*</c>.</summary>
/// <param name="body">The characters of the run.</param>
internal sealed class RunRule(CharacterSet body) : SplitRule
{
    /// <summary>What may come before.</summary>
    public CharacterSet? Lead { get; init; }

    /// <summary>Whether it must.</summary>
    public bool NeedsLead { get; init; }

    /// <summary>The least characters of the run.</summary>
    public int Minimum { get; init; } = 1;

    /// <summary>The most.</summary>
    public int Maximum { get; init; } = int.MaxValue;

    /// <summary>What may follow, as often as it does.</summary>
    public CharacterSet? Tail { get; init; }

    /// <inheritdoc/>
    public override int Match(ref TextCursor text, int at)
    {
        if (Lead is { } lead && lead.Contains(text.Peek(at, out int length)) && MatchBody(ref text, at + length) is >= 0 and int end) return end;
        return NeedsLead ? -1 : MatchBody(ref text, at);
    }

    private int MatchBody(ref TextCursor text, int at)
    {
        int count = 0;
        for (; count < Maximum && body.Contains(text.Peek(at, out int length)); count++) at += length;
        if (count < Minimum) return -1;
        return Tail is { } tail ? text.EndOfRun(at, tail) : at;
    }
}
