namespace Ration.Tokenizers.Merging;

/// <summary>A binary heap of numbers, the least on top.</summary>
internal sealed class PriorityHeap
{
    private ulong[] _items = new ulong[64];
    private int _count;

    /// <summary>Empties it, and lets go of memory that only an unusual text needed.</summary>
    public void Clear()
    {
        _count = 0;
        if (_items.Length > 1 << 16) _items = new ulong[64];
    }

    /// <summary>Adds a number.</summary>
    public void Push(ulong item)
    {
        if (_count == _items.Length) Array.Resize(ref _items, _count * 2);
        int at = _count++;
        while (at > 0)
        {
            int parent = (at - 1) >> 1;
            if (_items[parent] <= item) break;
            _items[at] = _items[parent];
            at = parent;
        }

        _items[at] = item;
    }

    /// <summary>Takes the least number; false if there is none.</summary>
    public bool TryPop(out ulong item)
    {
        if (_count == 0)
        {
            item = 0;
            return false;
        }

        ulong[] items = _items;
        item = items[0];
        ulong last = items[--_count];
        int at = 0;
        for (int child = 1; child < _count; child = (2 * at) + 1)
        {
            if (child + 1 < _count && items[child + 1] < items[child]) child++;
            if (items[child] >= last) break;
            items[at] = items[child];
            at = child;
        }

        items[at] = last;
        return true;
    }
}
