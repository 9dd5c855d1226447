namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary>A stable sort that a comparison may break off with a fault, and that any comparison lets end.</summary>
internal static class Sorting
{
    /// <summary>Merge sort of <paramref name="items"/> in place; returns them.</summary>
    public static T[] Sort<T>(T[] items, Comparison<T> compare)
    {
        T[] from = items, to = new T[items.Length];
        for (int width = 1; width < items.Length; width *= 2)
        {
            for (int start = 0; start < items.Length; start += 2 * width) Merge(from, to, start, Math.Min(start + width, items.Length), Math.Min(start + (2 * width), items.Length), compare);
            (from, to) = (to, from);
        }

        if (from != items) from.CopyTo(items, 0);
        return items;
    }

    private static void Merge<T>(T[] from, T[] to, int start, int middle, int end, Comparison<T> compare)
    {
        for (int left = start, right = middle, at = start; at < end; at++)
        {
            bool takesLeft = right >= end || (left < middle && compare(from[left], from[right]) <= 0);
            to[at] = takesLeft ? from[left++] : from[right++];
        }
    }
}
