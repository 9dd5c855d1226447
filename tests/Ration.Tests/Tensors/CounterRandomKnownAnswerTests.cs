using Ration.Tensors;

namespace Ration.Tests.Tensors;

public class CounterRandomKnownAnswerTests
{
    [Fact]
    public void The_rounds_give_the_published_answers()
    {
        // The known-answer vectors that the authors of Philox publish: counter, stream and key of zeros, of ones, and of the digits of π.
        Assert.Equal((0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u), new CounterRandom(0, 0).Words(0));
        Assert.Equal((0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu), new CounterRandom(ulong.MaxValue, ulong.MaxValue).Words(ulong.MaxValue));
        Assert.Equal(
            (0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u),
            new CounterRandom(0x299F31D0A4093822, 0x0370734413198A2E).Words(0x85A308D3243F6A88));
    }
}
