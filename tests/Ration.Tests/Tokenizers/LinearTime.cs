using System.Diagnostics;
using System.Text;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

/// <summary>Whether a tokenizer gets through a megabyte that is made to be hard.</summary>
internal static class LinearTime
{
    private const int Bytes = 1 << 20, Tries = 6;

    /// <summary>Encodes a megabyte that repeats <paramref name="part"/>, which must take less than a second; quadratic time would be
    /// minutes. Several tries, as others may be using the machine.</summary>
    public static void Check(ITokenizer tokenizer, string part)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, Bytes / Encoding.UTF8.GetByteCount(part))));
        TimeSpan least = TimeSpan.MaxValue;
        for (int i = 0; i < Tries && least > TimeSpan.FromSeconds(1); i++)
        {
            var watch = Stopwatch.StartNew();
            tokenizer.Encode(text);
            if (watch.Elapsed < least) least = watch.Elapsed;
        }

        Assert.True(least < TimeSpan.FromSeconds(1), $"{part}: {least}");
    }
}
