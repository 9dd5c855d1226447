using System.Text;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

public sealed class KeyDecoderTests
{
    private const int LongestPaste = 100;

    [Theory]
    [InlineData("\u001B[A", "Up")]
    [InlineData("\u001BOA", "Up")]
    [InlineData("\u001B[B\u001B[C\u001B[D", "Down Right Left")]
    [InlineData("\u001B[1;5C\u001B[1;5D\u001B[1;3C", "WordRight WordLeft WordRight")]
    [InlineData("\u001Bb\u001Bf\u001Bd\u001B\u007F", "WordLeft WordRight DeleteWordForward DeleteWordBackward")]
    [InlineData("\u001B[H\u001B[F\u001BOH\u001BOF\u001B[1~\u001B[4~\u001B[7~\u001B[8~", "Home End Home End Home End Home End")]
    [InlineData("\u001B[3~\u001B[3;5~", "Delete DeleteWordForward")]
    [InlineData("\u0001\u0005\u0015\u000B\u0017\u000C", "Home End DeleteToStart DeleteToEnd DeleteToSpace ClearScreen")]
    [InlineData("\u0002\u0006\u0010\u000E", "Left Right Up Down")]
    [InlineData("\u007F\b\u0004", "Backspace Backspace DeleteOrEnd")]
    [InlineData("\u0003\u001C\u001A", "Interrupt Quit Suspend")]
    [InlineData("\r\n", "Enter Enter")]
    [InlineData("ab\rc", "Text(ab) Enter Text(c)")]
    [InlineData("é日👩‍👩‍👧e\u0301\t", "Text(é日👩‍👩‍👧e\u0301\t)")]
    [InlineData("\u001B\u001B[A", "Up")]
    [InlineData("\u001B[5~\u001B[[Ax\u001BOPy\u001B[99;99Rz\u001Bqw\u0000", "Text(xyzw)")]
    [InlineData("\u001B[12\u001B[Da", "Left Text(a)")]
    [InlineData("a\u001B[200~x\r\ny\rz\u001B[A\u001B[201~b", "Text(a) Paste(x\ny\nz\u001B[A) Text(b)")]
    [InlineData("\u001B[200~\u001B[20\u001B[201~\u001B[201~", "Paste(\u001B[20)")]
    public void Keys_are_found_however_their_bytes_come(string sent, string keys)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(sent);
        for (int piece = 1; piece <= bytes.Length; piece++)
        {
            KeyDecoder decoder = new(LongestPaste);
            foreach (byte[] some in bytes.Chunk(piece)) decoder.Push(some);
            Assert.Equal(keys, Written(decoder));
        }
    }

    [Fact]
    public void Of_a_paste_that_is_too_long_nothing_is_kept()
    {
        KeyDecoder decoder = new(LongestPaste);
        foreach (int length in (int[])[LongestPaste, LongestPaste + 1, 10_000]) decoder.Push(Encoding.UTF8.GetBytes($"\u001B[200~{new string('x', length)}\u001B[201~"));
        Assert.Equal($"Paste({new string('x', LongestPaste)}) Paste() Paste()", Written(decoder));
    }

    [Fact]
    public void Bytes_that_are_no_text_break_nothing()
    {
        Random random = new(7);
        for (int trial = 0; trial < 2000; trial++)
        {
            KeyDecoder decoder = new(LongestPaste);
            byte[] bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            foreach (byte[] piece in bytes.Chunk(random.Next(1, 20))) decoder.Push(piece);
            decoder.Push("\u001B[201~\u0018m\r"u8);
            Assert.EndsWith("Enter", Written(decoder), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Megabytes_at_once_are_read()
    {
        KeyDecoder decoder = new(LongestPaste);
        string text = string.Concat(Enumerable.Repeat("日本👩", 100_000));
        decoder.Push(Encoding.UTF8.GetBytes(text));
        Assert.Equal($"Text({text})", Written(decoder));
    }

    // Text that came in pieces is written as one.
    private static string Written(KeyDecoder decoder)
    {
        StringBuilder written = new();
        EditKey? last = null;
        while (decoder.TryTake(out KeyPress key))
        {
            if (key.Key == EditKey.Text && last == EditKey.Text) written.Length--;
            else written.Append(last is null ? "" : " ").Append(key.Key).Append(key.Key is EditKey.Text or EditKey.Paste ? "(" : "");
            if (key.Key is EditKey.Text or EditKey.Paste) written.Append(key.Text).Append(')');
            last = key.Key;
        }

        return written.ToString();
    }
}
