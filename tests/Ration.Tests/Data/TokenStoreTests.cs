using System.Text;
using Ration.Data;
using Ration.Memory;
using Ration.Tests.Files;
using Ration.Tokenizers;

namespace Ration.Tests.Data;

public sealed class TokenStoreTests
{
    [Theory]
    [InlineData(256, 1 << 20)]
    [InlineData(256, 1000)]
    [InlineData(256, 0)]
    [InlineData(32_768, 1000)]
    [InlineData(32_769, 1 << 24)]
    [InlineData(32_769, 1000)]
    public void Tokens_and_document_starts_are_the_same_in_memory_and_on_disk(int vocabulary, long limit)
    {
        using var folder = new TemporaryFolder();
        using var spool = new TemporaryFolder();
        string[] texts = ["first é", "x", new string('ß', 200_000), "last"];
        for (int i = 0; i < texts.Length; i++) folder.Write($"{i}.txt", texts[i]);
        var corpus = TextCorpus.Open(folder.Path);
        int[] expected = [.. texts.SelectMany(Marked)];
        using (var store = TokenStore.Create(corpus, new ByteTokenizer(vocabulary), new ByteSize(limit), spool.Path,
            TestContext.Current.CancellationToken))
        {
            Assert.Equal((expected.Length, 4), (store.Count, store.Documents));
            Assert.Equal(expected.Length * (vocabulary > 32_768 ? 4 : 2) > limit, store.IsSpooled);
            Assert.InRange(store.MemoryBytes, 0, limit);
            Assert.Equal(expected, Read(store, 0, expected.Length));
            Assert.Equal(expected[5..12], Read(store, 5, 7));
            Assert.Equal(expected[^3..], Read(store, expected.Length - 3, 3));
            Assert.Empty(Read(store, expected.Length, 0));
            Assert.Throws<ArgumentOutOfRangeException>(() => Read(store, expected.Length - 2, 3));
            Assert.Throws<ArgumentOutOfRangeException>(() => Read(store, -1, 1));
            if (!OperatingSystem.IsWindows()) Assert.Empty(Directory.GetFileSystemEntries(spool.Path));
        }

        Assert.Empty(Directory.GetFileSystemEntries(spool.Path));
    }

    [Fact]
    public void A_tokenizer_with_more_tokens_than_bytes_spills_out_of_memory()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.txt", new string('a', 100_000));
        using var store = TokenStore.Create(TextCorpus.Open(folder.Path), new RepeatingTokenizer(3), new ByteSize(200_000),
            cancellation: TestContext.Current.CancellationToken);
        Assert.True(store.IsSpooled);
        Assert.Equal(300_000, store.Count);
        int[] tokens = Read(store, 0, 300_000);
        Assert.Equal('a' | ITokenSource.DocumentStart, tokens[0]);
        Assert.All(tokens[1..], t => Assert.Equal('a', t));
    }

    [Fact]
    public void What_a_tokenizer_holds_back_is_offered_again_with_more_text()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(8);
        string text = string.Concat(Enumerable.Range(0, 200_000).Select(_ => (char)random.Next('a', 'f')));
        folder.Write("a.txt", text + text[..1]);
        folder.Write("b.txt", "x");
        using var store = TokenStore.Create(TextCorpus.Open(folder.Path), new PairTokenizer(),
            cancellation: TestContext.Current.CancellationToken);
        int[] expected = [.. Enumerable.Range(0, 100_000).Select(i => 256 + (text[2 * i] << 8 | text[(2 * i) + 1])), text[0],
            'x' | ITokenSource.DocumentStart];
        expected[0] |= ITokenSource.DocumentStart;
        Assert.Equal(expected, Read(store, 0, (int)store.Count));
    }

    [Fact]
    public void A_file_that_shrinks_or_grows_after_it_was_found_is_read_up_to_what_is_there_and_was()
    {
        using var folder = new TemporaryFolder();
        string shrinks = folder.Write("a.txt", "0123456789");
        string grows = folder.Write("b.txt", "abc");
        var corpus = TextCorpus.Open(folder.Path);
        File.WriteAllText(shrinks, "01234");
        File.AppendAllText(grows, "defghij");
        using var store = TokenStore.Create(corpus, new ByteTokenizer(), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([.. Marked("01234"), .. Marked("abc")], Read(store, 0, (int)store.Count));
        File.Delete(grows);
        Assert.Throws<InvalidInputException>(() => TokenStore.Create(corpus, new ByteTokenizer(),
            cancellation: TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Memory_does_not_grow_with_the_corpus()
    {
        using var folder = new TemporaryFolder();
        byte[] piece = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("sixteen letters\n", 1 << 16)));
        string path = folder["a.txt"];
        using (FileStream stream = File.Create(path))
        {
            for (int i = 0; i < 48; i++) stream.Write(piece);
        }

        var corpus = TextCorpus.Open(path);
        long before = GC.GetAllocatedBytesForCurrentThread();
        using var store = TokenStore.Create(corpus, new ByteTokenizer(), spoolFolder: folder.Path,
            cancellation: TestContext.Current.CancellationToken);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.True(store.IsSpooled);
        Assert.Equal(48L << 20, store.Count);
        Assert.Equal(0, store.MemoryBytes);
    }

    [Fact]
    public void Cancelling_leaves_no_file_and_a_bad_folder_is_an_input_error()
    {
        using var folder = new TemporaryFolder();
        using var spool = new TemporaryFolder();
        var corpus = TextCorpus.Open(folder.Write("a.txt", "text"));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.Throws<OperationCanceledException>(() => TokenStore.Create(corpus, new ByteTokenizer(), new ByteSize(0), spool.Path,
            source.Token));
        Assert.Empty(Directory.GetFileSystemEntries(spool.Path));
        Assert.Throws<InvalidInputException>(() => TokenStore.Create(corpus, new ByteTokenizer(), new ByteSize(0), spool["none"],
            TestContext.Current.CancellationToken));
    }

    private static IEnumerable<int> Marked(string text) =>
        Encoding.UTF8.GetBytes(text).Select((b, i) => i == 0 ? b | ITokenSource.DocumentStart : b);

    private static int[] Read(TokenStore store, long start, int count)
    {
        int[] guarded = new int[count + 2];
        guarded[0] = guarded[^1] = 12345;
        store.Read(start, guarded.AsSpan(1, count));
        Assert.Equal((12345, 12345), (guarded[0], guarded[^1]));
        return guarded[1..^1];
    }

    /// <summary>Each byte some times over.</summary>
    private sealed class RepeatingTokenizer(int times) : ITokenizer
    {
        public string Name => "repeating";

        public int VocabularySize => 256;

        public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten)
        {
            bytesConsumed = Math.Min(text.Length, tokens.Length / times);
            tokensWritten = bytesConsumed * times;
            for (int i = 0; i < tokensWritten; i++) tokens[i] = text[i / times];
        }

        public ReadOnlySpan<byte> Bytes(int token) => [];
    }

    /// <summary>Two bytes a token; a single one only at the end.</summary>
    private sealed class PairTokenizer : ITokenizer
    {
        public string Name => "pairs";

        public int VocabularySize => 256 + 65_536;

        public void Encode(ReadOnlySpan<byte> text, Span<int> tokens, bool isFinal, out int bytesConsumed, out int tokensWritten)
        {
            tokensWritten = Math.Min(text.Length / 2, tokens.Length);
            bytesConsumed = 2 * tokensWritten;
            for (int i = 0; i < tokensWritten; i++) tokens[i] = 256 + (text[2 * i] << 8 | text[(2 * i) + 1]);
            if (!isFinal || bytesConsumed != text.Length - 1 || tokensWritten == tokens.Length) return;
            tokens[tokensWritten++] = text[bytesConsumed++];
        }

        public ReadOnlySpan<byte> Bytes(int token) => [];
    }
}
