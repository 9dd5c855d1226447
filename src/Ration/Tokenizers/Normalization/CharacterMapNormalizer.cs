using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ration.Tokenizers.Normalization;

/// <summary>
/// SentencePiece's compiled rules (<c>precompiled_charsmap</c>): a double array of the sequences to replace, which carries for each the
/// place of its replacement among the zero-terminated strings behind it. At every character the longest sequence that fits is replaced.
/// </summary>
internal sealed class CharacterMapNormalizer : ITextNormalizer
{
    /// <summary>Replacements of real rules have a few dozen bytes at most.</summary>
    private const int LongestReplacement = 1024;

    // The array may lead round in a circle, so it does not say how long what it matches can be.
    private const int LongestMatch = 256;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <summary>Checks and copies the rules.</summary>
    /// <exception cref="FormatException">They are cut off or inconsistent; the message is a clause that says how.</exception>
    public CharacterMapNormalizer(ReadOnlySpan<byte> map)
    {
        if (map.Length < sizeof(uint)) throw new FormatException("the precompiled character map is cut off");
        uint bytes = BinaryPrimitives.ReadUInt32LittleEndian(map);
        map = map[sizeof(uint)..];
        if (bytes > map.Length || bytes % sizeof(uint) != 0 || bytes == 0)
            throw new FormatException($"the precompiled character map says that its array has {bytes} bytes, and {map.Length} follow");
        _units = new uint[bytes / sizeof(uint)];
        for (int i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map[(i * sizeof(uint))..]);
        _replacements = map[(int)bytes..].ToArray();
        int longest = 0;
        foreach (Range range in map[(int)bytes..].Split((byte)0)) longest = Math.Max(longest, range.End.Value - range.Start.Value);
        if (longest > LongestReplacement)
            throw new FormatException($"the precompiled character map has a replacement of {longest} bytes; at most {LongestReplacement} are allowed");
    }

    /// <summary>The rules as files have them.</summary>
    public byte[] Compiled()
    {
        byte[] map = new byte[sizeof(uint) + (sizeof(uint) * _units.Length) + _replacements.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(map, (uint)(sizeof(uint) * _units.Length));
        for (int i = 0; i < _units.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan((i + 1) * sizeof(uint)), _units[i]);
        _replacements.CopyTo(map, map.Length - _replacements.Length);
        return map;
    }

    /// <inheritdoc/>
    public void Normalize(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        while (!text.IsEmpty)
        {
            int length = Match(text, out int replacement);
            if (length > 0)
            {
                ReadOnlySpan<byte> rest = _replacements.AsSpan(replacement);
                int end = rest.IndexOf((byte)0);
                output.Write(end < 0 ? rest : rest[..end]);
            }
            else
            {
                _ = Rune.DecodeFromUtf8(text, out _, out length);
                output.Write(text[..length]);
            }

            text = text[length..];
        }
    }

    // The layout of a unit is Darts-clone's: label in the low byte, bit 8 "a value follows", bits 10… the offset, bit 9 its scale.
    private int Match(ReadOnlySpan<byte> text, out int replacement)
    {
        int longest = 0;
        replacement = 0;
        uint node = Offset(_units[0]);
        for (int i = 0; i < Math.Min(text.Length, LongestMatch) && text[i] != 0; i++)
        {
            node ^= text[i];
            if (node >= (uint)_units.Length) break;
            uint unit = _units[node];
            if ((unit & 0x8000_00FF) != text[i]) break;
            node ^= Offset(unit);
            if (node >= (uint)_units.Length) break;
            if ((unit & 0x100) == 0) continue;
            uint value = _units[node] & 0x7FFF_FFFF;
            if (value >= (uint)_replacements.Length) continue;
            longest = i + 1;
            replacement = (int)value;
        }

        return longest;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & 0x200) >> 6);
}
