using System.Text;
using Ration.Tokenizers;

namespace Ration.Tests.Tokenizers;

/// <summary>Whether a tokenizer gets through a megabyte that is made to be hard.</summary>
internal static class LinearTime
{
    /// <summary>Milliseconds that a test may take: a guard against hanging, many times what it needs.</summary>
    public const int Limit = 60_000;

    private const int Bytes = 1 << 20;

    /// <summary>
    /// Encodes a megabyte that repeats <paramref name="part"/>: quadratic time would be minutes. Tests that call this have
    /// <see cref="Limit"/> for their time, which only works for what they await.
    /// </summary>
    public static Task Check(ITokenizer tokenizer, string part) => Task.Run(
        () =>
        {
            byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(part, Bytes / Encoding.UTF8.GetByteCount(part))));
            // Some kinds drop all of it, and none makes more than one token of a byte but for rare characters.
            Assert.InRange(tokenizer.Encode(text).Length, 0, 4 * Bytes);
        },
        TestContext.Current.CancellationToken);
}
