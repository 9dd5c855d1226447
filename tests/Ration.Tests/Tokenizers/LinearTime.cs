using System.Text;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

/// <summary>Whether a tokenizer gets through a megabyte that is made to be hard.</summary>
internal static class LinearTime
{
    private const int Bytes = 1 << 20;

    /// <summary>Encodes a megabyte that repeats <paramref name="part"/>: quadratic time would be minutes, and the tests that call this
    /// have a limit against hanging.</summary>
    public static void Check(ITokenizer tokenizer, string part)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, Bytes / Encoding.UTF8.GetByteCount(part))));
        // Some kinds drop all of it, and none makes more than one token of a byte but for rare characters.
        Assert.InRange(tokenizer.Encode(text).Length, 0, 4 * Bytes);
    }
}
