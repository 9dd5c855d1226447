namespace Ration.Tokenizers.Merging;

/// <summary>Which neighbours become one, and in which order.</summary>
internal interface IMergeRule
{
    /// <summary>The first symbol of some text: its token, or −1 where none has its bytes, and how many bytes it has (at least one).</summary>
    int First(ReadOnlySpan<byte> text, out int length);

    /// <summary>Whether two neighbours merge.</summary>
    /// <param name="left">Token of the left one, or −1.</param>
    /// <param name="right">Token of the right one, or −1.</param>
    /// <param name="bytes">What both stand for.</param>
    /// <param name="priority">The least goes first; less than <see cref="uint.MaxValue"/>.</param>
    /// <param name="merged">The token of both.</param>
    bool TryMerge(int left, int right, ReadOnlySpan<byte> bytes, out uint priority, out int merged);
}
