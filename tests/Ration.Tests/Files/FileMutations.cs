using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Ration.Tests.Files;

/// <summary>
/// Damages good files in the ways in which files are damaged or forged, and opens them: each must open or give one error of
/// <see cref="InvalidInputException"/>, within the <see cref="OpeningLimits"/>. Some hundreds a kind of file by default; the environment variable
/// RATION_FUZZ_COUNT sets how many instead (100000 for a full sweep).
/// </summary>
internal static class FileMutations
{
    private static readonly ulong[] s_extremes =
    [
        0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0xFFFFFF, 0x3FFFFFFF, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0x7FFFFFFFFF,
        0x3FFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0x8000000000000000, 0xFFFFFFFFFFFFFFFF,
    ];

    private static readonly string[] s_numbers =
    [
        "-1", "0.5", "1e30", "1e999", "70000", "16777215", "99999999999999999999", .. s_extremes.Select(static n => n.ToString(CultureInfo.InvariantCulture)),
    ];

    private static readonly string[] s_tokens =
    [
        "{", "}", "[", "]", "\"", ",", ":", "null", "true", "\\uD800", "\\u0000", "\0", "\u2581", "-1", "1e999", "0.5", "2147483647", "99999999999999999999", "{\"a\":{\"a\":", "[[[[[[[[", "\"\":",
        "\uFEFF", " ",
    ];

    /// <summary>How many mutations of each kind of file to try.</summary>
    public static int Count(int usual) =>
        int.TryParse(Environment.GetEnvironmentVariable("RATION_FUZZ_COUNT"), NumberStyles.None, CultureInfo.InvariantCulture, out int count) ? count : usual;

    /// <summary>Opens <paramref name="count"/> mutations of a file.</summary>
    /// <param name="good">The file.</param>
    /// <param name="head">How many of its first bytes say what the others mean; most mutations strike there.</param>
    /// <param name="text">Whether numbers in it are decimal text.</param>
    /// <param name="name">The name to give to each mutation.</param>
    /// <param name="count">How many.</param>
    /// <param name="open">Opens the file of a path and reads what it holds.</param>
    /// <returns>How many were refused.</returns>
    public static int Try(byte[] good, int head, bool text, string name, int count, Action<string> open)
    {
        using TemporaryFolder folder = new();
        string path = folder.Write(name, good);
        open(path);
        int refused = 0;
        OpeningLimits.Run(name, count, seed =>
        {
            byte[] bytes = Mutate(good, head, text, new Random(seed));
            File.WriteAllBytes(path, bytes);
            if (OpeningLimits.Refuses($"{name}, seed {seed}", bytes.Length, () => open(path))) refused++;
        });
        return refused;
    }

    /// <summary>Checks that of some mutations a part is refused and a part not: a harness that refuses nothing, or everything, tests nothing.</summary>
    /// <param name="count">How many.</param>
    /// <param name="run">Tries so many and says how many were refused.</param>
    public static void Expect(int count, Func<int, int> run)
    {
        int refused = run(count);
        TestContext.Current.TestOutputHelper!.WriteLine($"{refused} of {count} refused");
        if (count >= 20) Assert.InRange(refused, count / 10, count - 1);
    }

    /// <summary>A copy with one to four faults.</summary>
    public static byte[] Mutate(byte[] good, int head, bool text, Random random)
    {
        byte[] bytes = (byte[])good.Clone();
        for (int i = random.Next(4) == 0 ? random.Next(2, 5) : 1; i > 0 && bytes.Length > 0; i--)
        {
            int reach = Math.Min(random.Next(8) == 0 ? bytes.Length : head, bytes.Length), at = random.Next(reach);
            int length = Math.Min(random.Next(3) == 0 ? random.Next(1, reach + 1) : random.Next(1, 17), bytes.Length - at);
            bytes = random.Next(text ? 10 : 8) switch
            {
                0 => With(bytes, at, [(byte)(bytes[at] ^ (1 << random.Next(8)))]),
                1 => With(bytes, at, [(byte)random.Next(256)]),
                2 or 3 => With(bytes, at, Extreme(bytes.Length, random)),
                4 => bytes[..at],
                5 => [.. bytes[..at], .. bytes[(at + length)..]],
                6 => [.. bytes[..(at + length)], .. bytes[at..]],
                7 => Moved(bytes, at, length, random.Next(bytes.Length)),
                8 => [.. bytes[..at], .. Encoding.UTF8.GetBytes(s_tokens[random.Next(s_tokens.Length)]), .. bytes[at..]],
                _ => WithNumber(bytes, at, s_numbers[random.Next(s_numbers.Length)]),
            };
        }

        return bytes.Length == 0 ? [0] : bytes;
    }

    private static byte[] Extreme(int length, Random random)
    {
        byte[] value = new byte[8];
        ulong number = random.Next(5) switch
        {
            0 => (ulong)(length + random.Next(-1, 2)),
            1 => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
            _ => s_extremes[random.Next(s_extremes.Length)],
        };
        BinaryPrimitives.WriteUInt64LittleEndian(value, number);
        return value[..(1 << random.Next(4))];
    }

    private static byte[] With(byte[] bytes, int at, byte[] value)
    {
        value.AsSpan(0, Math.Min(value.Length, bytes.Length - at)).CopyTo(bytes.AsSpan(at));
        return bytes;
    }

    private static byte[] Moved(byte[] bytes, int at, int length, int to) => [.. bytes[..to], .. bytes[at..(at + length)], .. bytes[to..]];

    // The next run of digits becomes another number.
    private static byte[] WithNumber(byte[] bytes, int at, string number)
    {
        int start = bytes.AsSpan(at).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (start < 0) return bytes;
        start += at;
        int length = bytes.AsSpan(start).IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        int end = length < 0 ? bytes.Length : start + length;
        return [.. bytes[..start], .. Encoding.ASCII.GetBytes(number), .. bytes[end..]];
    }
}
