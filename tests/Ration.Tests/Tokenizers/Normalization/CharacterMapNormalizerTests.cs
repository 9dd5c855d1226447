using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Ration.Tokenizers.Normalization;

namespace Ration.Tests.Tokenizers.Normalization;

public sealed class CharacterMapNormalizerTests
{
    [Theory]
    [InlineData("AABxA", "bcdxb")]
    [InlineData("BAé\0A", "Bbé\0b")]
    [InlineData("", "")]
    public void The_longest_sequence_that_fits_is_replaced(string text, string expected) => Assert.Equal(expected, Encoding.UTF8.GetString(Normalize(Map(), Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void Bytes_that_are_no_character_pass_through() => Assert.Equal([0xFF, (byte)'b', 0xC3], Normalize(Map(), [0xFF, (byte)'A', 0xC3]));

    [Fact]
    public void Maps_that_are_cut_off_or_point_outside_do_no_harm()
    {
        Assert.Throws<FormatException>(() => new CharacterMapNormalizer([1, 2]));
        Assert.Throws<FormatException>(() => new CharacterMapNormalizer([8, 0, 0, 0, 1, 2, 3, 4]));
        Assert.Throws<FormatException>(() => new CharacterMapNormalizer([5, 0, 0, 0, 1, 2, 3, 4, 5, 0]));
        Assert.Throws<FormatException>(() => new CharacterMapNormalizer([4, 0, 0, 0, 1, 2, 3, 4, .. new byte[2000].Select(static _ => (byte)'x')]));
        var random = new Random(2);
        for (int round = 0; round < 2000; round++)
        {
            byte[] map = Map();
            for (int i = 0; i < 20; i++) map[random.Next(4, map.Length)] = (byte)random.Next(256);
            Normalize(map, "AABABABAABxA"u8);
        }
    }

    [Fact]
    public void A_map_that_leads_round_in_a_circle_matches_so_far_and_no_farther()
    {
        uint[] units = new uint[0x100];
        units[0] = 1 << 10;
        units[1] = 0x8000_0000;
        units[1 ^ 'A'] = 'A' | 0x100 | ((1 ^ 'A' ^ 1) << 10);
        Assert.Equal("bbbb"u8, Normalize(Map(units), [.. Enumerable.Repeat((byte)'A', 1024)]));
    }

    [Fact]
    public void Rules_that_multiply_text_are_refused()
    {
        var rule = new ReplaceNormalizer("h"u8.ToArray(), [.. Enumerable.Repeat((byte)'h', 1000)]);
        var output = new ArrayBufferWriter<byte>();
        Assert.Throws<InvalidInputException>(() => new NormalizerSequence([rule, rule, rule, rule]).Normalize("hhhh"u8, output));
    }

    // A double array with A → b and AB → cd: the child for a byte is the node xor the byte, its value the node xor the unit's offset.
    private static byte[] Map()
    {
        uint[] units = new uint[0x200];
        units[0] = 1 << 10;
        units[1 ^ 'A'] = 'A' | 0x100 | (0x80 << 10);
        units[0xC0] = 0x8000_0000;
        units[0xC0 ^ 'B'] = 'B' | 0x100 | (0x100 << 10);
        units[0xC0 ^ 'B' ^ 0x100] = 0x8000_0002;
        return Map(units);
    }

    private static byte[] Map(uint[] units)
    {
        byte[] map = new byte[4 + 4 * units.Length];
        BinaryPrimitives.WriteInt32LittleEndian(map, 4 * units.Length);
        for (int i = 0; i < units.Length; i++) BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(4 + 4 * i), units[i]);
        return [.. map, .. "b\0cd\0"u8];
    }

    private static byte[] Normalize(byte[] map, ReadOnlySpan<byte> text)
    {
        var output = new ArrayBufferWriter<byte>();
        new CharacterMapNormalizer(map).Normalize(text, output);
        return output.WrittenSpan.ToArray();
    }
}
