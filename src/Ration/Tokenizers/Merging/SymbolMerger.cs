namespace Ration.Tokenizers.Merging;

/// <summary>
/// Merges the symbols of a piece of text, always the pair of the least priority and among equals the leftmost, until none is left. Symbols
/// are a linked list and candidates a heap, so a piece of n symbols takes O(n log n) whatever it holds. For one thread.
/// </summary>
internal sealed class SymbolMerger
{
    private const uint None = uint.MaxValue;
    private readonly PriorityHeap _heap = new();
    private Symbol[] _symbols = new Symbol[64];

    private struct Symbol
    {
        public int Start, End, Previous, Next, Token, Merged;
        public uint Priority;
    }

    /// <summary>The tokens of a piece, appended to <paramref name="tokens"/>; a negative one, −1 − b, is a byte b that no token covers.</summary>
    public void Merge<TRule>(in TRule rule, ReadOnlySpan<byte> piece, TokenBuffer tokens)
        where TRule : struct, IMergeRule
    {
        int count = Fill(rule, piece);
        _heap.Clear();
        for (int i = 0; i < count; i++) Update(rule, piece, i);
        while (_heap.TryPop(out ulong item))
        {
            int left = (int)(uint)item;
            ref Symbol symbol = ref _symbols[left];
            // Out of date: the symbol is gone or has another neighbour since.
            if (symbol.Priority != (uint)(item >> 32)) continue;
            ref Symbol right = ref _symbols[symbol.Next];
            symbol.Token = symbol.Merged;
            symbol.End = right.End;
            symbol.Next = right.Next;
            right.Priority = None;
            if (right.Next >= 0) _symbols[right.Next].Previous = left;
            if (symbol.Previous >= 0) Update(rule, piece, symbol.Previous);
            Update(rule, piece, left);
        }

        for (int i = count == 0 ? -1 : 0; i >= 0; i = _symbols[i].Next)
        {
            ref Symbol symbol = ref _symbols[i];
            if (symbol.Token >= 0) tokens.Add(symbol.Token);
            else foreach (byte b in piece[symbol.Start..symbol.End]) tokens.Add(-1 - b);
        }

        if (_symbols.Length > 1 << 14) _symbols = new Symbol[64];
    }

    private int Fill<TRule>(in TRule rule, ReadOnlySpan<byte> piece)
        where TRule : struct, IMergeRule
    {
        int count = 0;
        for (int at = 0; at < piece.Length; count++)
        {
            if (count == _symbols.Length) Array.Resize(ref _symbols, count * 2);
            ref Symbol symbol = ref _symbols[count];
            symbol.Token = rule.First(piece[at..], out int length);
            symbol.Start = at;
            at += length;
            symbol.End = at;
            symbol.Previous = count - 1;
            symbol.Next = at < piece.Length ? count + 1 : -1;
        }

        return count;
    }

    private void Update<TRule>(in TRule rule, ReadOnlySpan<byte> piece, int left)
        where TRule : struct, IMergeRule
    {
        ref Symbol symbol = ref _symbols[left];
        symbol.Priority = None;
        if (symbol.Next < 0) return;
        ref Symbol right = ref _symbols[symbol.Next];
        if (!rule.TryMerge(symbol.Token, right.Token, piece[symbol.Start..right.End], out uint priority, out symbol.Merged)) return;
        symbol.Priority = priority;
        _heap.Push(((ulong)priority << 32) | (uint)left);
    }
}
