using System.Runtime.InteropServices;

namespace Ration.Data;

/// <summary>
/// Tokens of two bytes, for vocabularies up to 32,768: fifteen bits of the token, and one for <see cref="ITokenSource.DocumentStart"/>. A store of a
/// larger vocabulary has them as they are, in four.
/// </summary>
internal static class NarrowTokens
{
    private const int Vocabulary = 1 << 15, Mark = 0x8000;

    /// <summary>Whether tokens of a vocabulary are narrow.</summary>
    public static bool Hold(int vocabulary) => vocabulary <= Vocabulary;

    /// <summary>Bytes of a stored token.</summary>
    public static int BytesOf(bool narrow) => narrow ? sizeof(ushort) : sizeof(int);

    /// <summary>Makes tokens narrow where they lie, and returns their bytes.</summary>
    public static Span<byte> Pack(Span<int> tokens)
    {
        // The narrow token at i ends before the wide one at i + 1 begins.
        Span<ushort> narrow = MemoryMarshal.Cast<int, ushort>(tokens);
        for (int i = 0; i < tokens.Length; i++) narrow[i] = (ushort)(tokens[i] < 0 ? (tokens[i] & ~ITokenSource.DocumentStart) | Mark : tokens[i]);
        return MemoryMarshal.AsBytes(narrow[..tokens.Length]);
    }

    /// <summary>The room for narrow tokens in that of as many wide ones: its upper half, from where <see cref="Unpack"/> takes them.</summary>
    public static Span<byte> RoomIn(Span<int> tokens) => MemoryMarshal.AsBytes(tokens)[(tokens.Length * sizeof(ushort))..];

    /// <summary>Makes the narrow tokens in <see cref="RoomIn"/> wide again.</summary>
    public static void Unpack(Span<int> tokens)
    {
        // Upwards a wide token never passes the narrow ones still to be read.
        Span<ushort> narrow = MemoryMarshal.Cast<byte, ushort>(RoomIn(tokens));
        for (int i = 0; i < tokens.Length; i++)
        {
            int token = narrow[i];
            tokens[i] = (token & ~Mark) | ((token & Mark) << 16);
        }
    }
}
