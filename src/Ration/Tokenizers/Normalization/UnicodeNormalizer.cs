using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>
/// The normal forms of Unicode Standard Annex 15 on UTF-8. Text that a form leaves alone is copied as it stands; only a character that may
/// change, with the one before it and the combining ones after it, is taken apart and put together.
/// </summary>
internal sealed class UnicodeNormalizer(UnicodeForm form) : ITextNormalizer
{
    private const int ShortRun = 32;

    private readonly UnicodeDatabase _database = UnicodeDatabase.Instance;
    private readonly bool _compatible = form is UnicodeForm.Nfkd or UnicodeForm.Nfkc;
    private readonly bool _compose = form is UnicodeForm.Nfc or UnicodeForm.Nfkc;
    private readonly byte _active = form switch
    {
        UnicodeForm.Nfd => UnicodeDatabase.Decomposes | UnicodeDatabase.Combines,
        UnicodeForm.Nfkd => UnicodeDatabase.DecomposesCompatibly | UnicodeDatabase.Combines,
        UnicodeForm.Nfc => UnicodeDatabase.NeverComposed | UnicodeDatabase.Combines | UnicodeDatabase.JoinsPrevious,
        _ => UnicodeDatabase.NeverComposedCompatibly | UnicodeDatabase.Combines | UnicodeDatabase.JoinsPrevious,
    };

    /// <summary>The form.</summary>
    public UnicodeForm Form => form;

    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        List<int>? segment = null;
        int copied = 0, starter = 0, at = 0;
        while (at < text.Length)
        {
            if (text[at] < 0x80)
            {
                int other = text[at..].IndexOfAnyExceptInRange((byte)0, (byte)0x7F);
                at = other < 0 ? text.Length : at + other;
                starter = at - 1;
                continue;
            }

            if (Rune.DecodeFromUtf8(text[at..], out Rune rune, out int bytes) != OperationStatus.Done)
            {
                at += bytes;
                starter = at;
                continue;
            }

            if ((_database.Flags(rune.Value) & _active) == 0)
            {
                starter = at;
                at += bytes;
                continue;
            }

            output.Write(text[copied..starter]);
            segment ??= [];
            segment.Clear();
            at = Gather(text, starter, at, segment);
            Rearrange(segment);
            foreach (int point in segment) Write(point, output);
            copied = starter = at;
        }

        output.Write(text[copied..]);
    }

    private static void Write(int point, IBufferWriter<byte> output)
    {
        Span<byte> bytes = output.GetSpan(4);
        output.Advance(new Rune(point).EncodeToUtf8(bytes));
    }

    // From the character before the active one up to the next that nothing can happen to.
    private int Gather(ReadOnlySpan<byte> text, int starter, int active, List<int> segment)
    {
        int at = starter;
        while (at < text.Length && Rune.DecodeFromUtf8(text[at..], out Rune rune, out int bytes) == OperationStatus.Done)
        {
            if (at > active && (_database.Flags(rune.Value) & _active) == 0) break;
            _database.Decompose(rune.Value, _compatible, segment);
            at += bytes;
        }

        return at;
    }

    private void Rearrange(List<int> segment)
    {
        for (int i = 0; i < segment.Count;)
        {
            int end = i;
            while (end < segment.Count && _database.CombiningClass(segment[end]) != 0) end++;
            if (end - i > 1) Order(segment, i, end);
            i = end + 1;
        }

        if (_compose) Compose(segment);
    }

    // Stable by combining class; a long run of marks is sorted in n log n.
    private void Order(List<int> segment, int start, int end)
    {
        if (end - start > ShortRun)
        {
            long[] keys = new long[end - start];
            for (int i = 0; i < keys.Length; i++) keys[i] = ((long)_database.CombiningClass(segment[start + i]) << 32) | (uint)i;
            int[] points = [.. segment.GetRange(start, end - start)];
            Array.Sort(keys, points);
            for (int i = 0; i < points.Length; i++) segment[start + i] = points[i];
            return;
        }

        for (int i = start + 1; i < end; i++)
        {
            int point = segment[i], own = _database.CombiningClass(point), j = i;
            for (; j > start && _database.CombiningClass(segment[j - 1]) > own; j--) segment[j] = segment[j - 1];
            segment[j] = point;
        }
    }

    // A character joins the last starter unless one between them has its class or a higher one, or is itself a starter.
    private void Compose(List<int> segment)
    {
        int starter = -1, last = -1, kept = 0;
        for (int i = 0; i < segment.Count; i++)
        {
            int point = segment[i];
            int own = _database.CombiningClass(point);
            if (starter >= 0 && last < own && _database.Compose(segment[starter], point) is var joined and >= 0)
            {
                segment[starter] = joined;
                continue;
            }

            if (own == 0) (starter, last) = (kept, -1);
            else last = own;
            segment[kept++] = point;
        }

        segment.RemoveRange(kept, segment.Count - kept);
    }
}
