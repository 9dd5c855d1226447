namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>The variable <c>loop</c>.</summary>
/// <param name="items">All items of the loop.</param>
internal sealed class LoopValue(IReadOnlyList<object?> items)
{
    private SequenceValue? _lastChanged;

    /// <summary>Index of the current item, from 0.</summary>
    public int Index { get; set; }

    /// <summary>Finds an attribute.</summary>
    public bool TryGet(string name, out object? value)
    {
        value = name switch
        {
            "index" => Index + 1L,
            "index0" => (long)Index,
            "revindex" => (long)(items.Count - Index),
            "revindex0" => (long)(items.Count - Index - 1),
            "first" => Index == 0,
            "last" => Index == items.Count - 1,
            "length" => (long)items.Count,
            "depth" => 1L,
            "depth0" => 0L,
            "previtem" => Index > 0 ? items[Index - 1] : new Undefined("there is no previous item"),
            "nextitem" => Index < items.Count - 1 ? items[Index + 1] : new Undefined("there is no next item"),
            "cycle" => new Function("cycle", "*", Cycle),
            "changed" => new Function("changed", "*", c => Changed(c)),
            _ => null,
        };
        return value is not null || name is "previtem" or "nextitem";
    }

    private object? Cycle(Invocation call)
    {
        IReadOnlyList<object?> values = call.Rest;
        return values.Count > 0 ? values[Index % values.Count] : throw new TemplateFault("'cycle' needs values");
    }

    private bool Changed(Invocation call)
    {
        SequenceValue now = SequenceValue.Tuple([.. call.Rest]);
        bool changed = _lastChanged is null || !Comparison.AreEqual(_lastChanged, now, call.Budget);
        _lastChanged = now;
        return changed;
    }
}
