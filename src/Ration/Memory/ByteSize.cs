using System.Globalization;

namespace Ration.Memory;

/// <summary>A number of bytes that reads and prints the way people write memory sizes: <c>512 MiB</c>, <c>4GiB</c>.</summary>
/// <param name="Bytes">The exact number of bytes; never negative when parsed.</param>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>
{
    private static readonly (string Suffix, long Factor)[] s_units =
    [
        ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10),
        ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000),
        ("T", 1L << 40), ("G", 1L << 30), ("M", 1L << 20), ("K", 1L << 10), ("B", 1),
    ];

    /// <summary>A whole number of mebibytes.</summary>
    public static ByteSize FromMebibytes(long mebibytes) => new(checked(mebibytes << 20));

    /// <summary>Reads a size such as <c>4GiB</c>, <c>1.5 GB</c> or <c>1048576</c>; a bare letter (<c>512M</c>) is a power of two.</summary>
    /// <exception cref="FormatException">The text is no size, is negative, or does not fit 63 bits.</exception>
    public static ByteSize Parse(string text) => TryParse(text, out ByteSize size)
        ? size
        : throw new FormatException($"'{text}' is not a memory size; write a number and a unit, such as 512MiB or 4GiB");

    /// <summary>As <see cref="Parse"/>, without throwing.</summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        ReadOnlySpan<char> number = text.AsSpan().Trim();
        long factor = 1;
        foreach ((string suffix, long unit) in s_units)
        {
            if (!number.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            factor = unit;
            number = number[..^suffix.Length].TrimEnd();
            break;
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)) return false;
        if (value > long.MaxValue / factor) return false;
        size = new ByteSize((long)(value * factor));
        return true;
    }

    /// <summary>The smallest multiple of <paramref name="alignment"/> (a power of two) that is at least <paramref name="bytes"/>.</summary>
    public static long AlignUp(long bytes, long alignment) => checked(bytes + alignment - 1) & -alignment;

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    /// <summary>Smaller than.</summary>
    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    /// <summary>Greater than.</summary>
    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>At most.</summary>
    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    /// <summary>At least.</summary>
    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    /// <summary>The size in the largest binary unit in which it is at least one when it is rounded, with one decimal below a hundred.</summary>
    public override string ToString()
    {
        foreach ((string suffix, long factor) in s_units.AsSpan(0, 4))
        {
            // What would be rounded up to 1024 of the next smaller unit is one of this.
            if (Math.Abs(Bytes) < factor - (factor >> 11)) continue;
            double value = (double)Bytes / factor;
            return value.ToString(value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + suffix;
        }

        return Bytes.ToString(CultureInfo.InvariantCulture) + " B";
    }
}
