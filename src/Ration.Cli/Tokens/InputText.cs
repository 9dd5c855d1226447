using System.Text;
using System.Text.Unicode;

namespace Ration.Cli.Tokens;

/// <summary>Text that a user named: a file, or standard input.</summary>
internal static class InputText
{
    /// <summary>What stands for standard input.</summary>
    public const string StandardInput = "-";

    /// <summary>Opens it; <c>-</c> is standard input.</summary>
    /// <param name="option">The option, for messages.</param>
    /// <param name="path">What it names.</param>
    /// <exception cref="InvalidInputException">There is no such file, or it may not be read.</exception>
    public static Stream Open(string option, string path)
    {
        if (path == StandardInput) return Console.OpenStandardInput();
        if (Directory.Exists(path)) throw new InvalidInputException($"{option} {path}: this is a folder; name a file");
        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"{option} {path}: there is no such file; check the path", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new InvalidInputException($"{option} {path}: the file cannot be read ({e.Message}); check that it is a file that you may read", e);
        }
    }

    /// <summary>All of a text, without a line end at its very end.</summary>
    /// <exception cref="InvalidInputException">There is no such file, it may not be read, it is no text, or it is too long.</exception>
    public static string ReadPrompt(string option, string path)
    {
        byte[] text = ReadBytes(option, path);
        if (text.Contains((byte)0) || !Utf8.IsValid(text)) throw new InvalidInputException($"{option} {path}: this is no text in UTF-8; give a text file, or write it anew in that encoding");
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>All bytes of a text, without a line end at its very end.</summary>
    /// <exception cref="InvalidInputException">There is no such file, it may not be read, or it is too long.</exception>
    public static byte[] ReadBytes(string option, string path)
    {
        using Stream stream = Open(option, path);
        byte[] text = TextStream.ReadAll(stream);
        return text.AsSpan().EndsWith("\r\n"u8) ? text[..^2] : text.AsSpan().EndsWith("\n"u8) ? text[..^1] : text;
    }
}
