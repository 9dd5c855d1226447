namespace Ration.Inference.Sampling;

/// <summary>Selection without sorting (Hoare 1961, "Find").</summary>
internal static class PartialSelection
{
    // What is this short is sorted at once.
    private const int Short = 32;

    /// <summary>
    /// Moves the <paramref name="count"/> least keys to the front, in no order. Linear time on average; where pivots fall badly the rest is
    /// sorted, so that no input takes quadratic time.
    /// </summary>
    public static void Partition(Span<ulong> keys, int count)
    {
        int patience = 2 * (32 - int.LeadingZeroCount(keys.Length));
        while (count > 0 && count < keys.Length)
        {
            if (keys.Length <= Short || patience-- == 0)
            {
                keys.Sort();
                return;
            }

            int boundary = Split(keys);
            if (count <= boundary) keys = keys[..boundary];
            else
            {
                keys = keys[boundary..];
                count -= boundary;
            }
        }
    }

    // Keys before the result are at most the median of three, those from it on at least that; neither part is empty.
    private static int Split(Span<ulong> keys)
    {
        ulong first = keys[0], middle = keys[keys.Length / 2], last = keys[^1];
        ulong pivot = Math.Max(Math.Min(first, middle), Math.Min(Math.Max(first, middle), last));
        int low = -1, high = keys.Length;
        while (true)
        {
            while (keys[++low] < pivot) { }
            while (keys[--high] > pivot) { }
            if (low >= high) return low;
            (keys[low], keys[high]) = (keys[high], keys[low]);
        }
    }
}
