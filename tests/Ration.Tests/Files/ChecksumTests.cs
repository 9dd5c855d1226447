using System.Text;
using Ration.Files;

namespace Ration.Tests.Files;

public sealed class ChecksumTests
{
    [Fact]
    public void Known_answers_of_RFC_3720()
    {
        Assert.Equal(0u, Checksum.Of([]));
        Assert.Equal(0xE3069283u, Checksum.Of("123456789"u8));
        Assert.Equal(0x8A9136AAu, Checksum.Of(new byte[32]));
        Assert.Equal(0x62A8AB43u, Checksum.Of(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal("e3069283", Of("123456789").ToString());
    }

    [Fact]
    public void Pieces_of_any_length_give_what_the_whole_gives()
    {
        byte[] bytes = new byte[67];
        new Random(1).NextBytes(bytes);
        uint bitwise = Bitwise(bytes);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            Checksum checksum = default;
            checksum.Append(bytes.AsSpan(0, cut));
            checksum.Append(bytes.AsSpan(cut));
            Assert.Equal(bitwise, checksum.Value);
        }
    }

    private static Checksum Of(string text)
    {
        Checksum checksum = default;
        checksum.Append(Encoding.ASCII.GetBytes(text));
        return checksum;
    }

    private static uint Bitwise(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : 0x82F63B78u);
        }

        return ~crc;
    }
}
