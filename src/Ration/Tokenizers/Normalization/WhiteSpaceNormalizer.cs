using System.Buffers;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>Leaves of every run of white space one space before the next word, and none where that word begins with the mark U+2581 already:
/// what <c>WhitespaceSplit</c> and <c>Metaspace</c> of a <c>tokenizer.json</c> do together.</summary>
internal sealed class WhiteSpaceNormalizer : ITextNormalizer
{
    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        bool pending = false;
        while (!text.IsEmpty)
        {
            bool isWhite = Rune.DecodeFromUtf8(text, out Rune rune, out int length) == OperationStatus.Done && Rune.IsWhiteSpace(rune);
            if (!isWhite)
            {
                if (pending && rune.Value != 0x2581) output.Write(" "u8);
                output.Write(text[..length]);
            }

            pending = isWhite;
            text = text[length..];
        }
    }

    /// <summary>Whether other rules leave no white space but plain spaces, so that no more than those need be looked for.</summary>
    public static bool IsFoldedBy(ITextNormalizer? rules)
    {
        ArrayBufferWriter<byte> output = new();
        for (int point = 0; point <= char.MaxValue; point++)
        {
            // The next-line character is in no text that people write, and SentencePiece's own rules forget it.
            if (!char.IsWhiteSpace((char)point) || point is ' ' or 0x85) continue;
            output.ResetWrittenCount();
            byte[] text = Encoding.UTF8.GetBytes(((char)point).ToString());
            if (rules is null) output.Write(text);
            else rules.Normalize(text, output);
            foreach (Rune rune in Encoding.UTF8.GetString(output.WrittenSpan).EnumerateRunes())
                if (rune.Value != ' ' && Rune.IsWhiteSpace(rune)) return false;
        }

        return true;
    }
}
