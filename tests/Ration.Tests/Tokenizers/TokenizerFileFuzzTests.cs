using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tests.Tokenizers.SentencePiece;
using Ration.Tokenizers;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tests.Tokenizers;

/// <summary>Damaged files: whatever is done to one, it is read, or refused by the exceptions for that, in bounded time and memory. The
/// variable RATION_FUZZ_COUNT says how many of each kind; 2,000 unless set.</summary>
public sealed class TokenizerFileFuzzTests
{
    private const long MostAllocated = 64 << 20;

    private static readonly byte[] s_text = Encoding.UTF8.GetBytes("Hello, wörld!  It's 3.14 <s>\n\n世界\u0301 \uFB01 \U0001F600\0 ab");
    private static readonly string[] s_inserted = ["\"", "{", "}", "[", "]", ",", ":", "null", "-1", "1e999", "2147483647", "99999999999999999999", "\\ud800", "\\u0000", "\u2581", "\0", "[[[[[[[["];

    [Fact]
    public void Damaged_tokenizer_json_files_are_read_or_refused()
    {
        byte[][] files =
        [
            TokenizerJsonFile.Trained(out _, 300), .. new[] { TokenizerJsonFile.SentencePieceBpe, TokenizerJsonFile.Unigram, TokenizerJsonFile.WordPiece, TokenizerJsonFile.ByteLevel }.Select(Encoding.UTF8.GetBytes),
        ];
        Fuzz(files, static bytes => TokenizerJsonReader.Parse(bytes, "fuzzed.json"));
    }

    [Fact]
    public void Damaged_tokenizer_model_files_are_read_or_refused()
    {
        byte[] map = [16, 0, 0, 0, 0, 4, 0, 0, .. new byte[12], .. "\0abc\0"u8];
        byte[][] files = [.. Enumerable.Range(1, 2).Select(algorithm => new SentencePieceFile()
            .Piece("<unk>", 0, TokenKind.Unknown).Piece("<s>", 0, TokenKind.Control).Piece("</s>", 0, TokenKind.Control).Piece("<x>", 0, TokenKind.UserDefined)
            .Piece("\u2581a", -1.5f).Piece("<0x62>", -2, TokenKind.Byte).Piece("a", -5).Piece("\u2581", -4).Piece("lo", -3)
            .Trainer(algorithm, true, 1, 2).Normalizer(map, true, true).ToArray())];
        Fuzz(files, static bytes => SentencePieceModelTokenizer.Create(SentencePieceModelReader.Parse(bytes, "fuzzed.model"), "fuzzed.model"));
    }

    private static void Fuzz(byte[][] files, Func<byte[], ReadTokenizer> read)
    {
        int count = int.TryParse(Environment.GetEnvironmentVariable("RATION_FUZZ_COUNT"), CultureInfo.InvariantCulture, out int given) ? given : 2000;
        int accepted = 0;
        foreach (byte[] file in files) Encode(read(file));
        for (int seed = 0; seed < count; seed++)
        {
            var random = new Random(seed);
            byte[] damaged = Damage(files[seed % files.Length], random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            try
            {
                Encode(read(damaged));
                accepted++;
            }
            catch (InvalidInputException)
            {
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MostAllocated, $"seed {seed} allocated {allocated} bytes");
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(60), $"seed {seed} took {watch.Elapsed}");
        }

        Assert.InRange(accepted, count / 100, count);
    }

    private static void Encode(ReadTokenizer read)
    {
        var tokenizer = new TextTokenizer(read.Inner, read.Added);
        foreach (bool special in (bool[])[false, true])
        {
            int[] tokens = tokenizer.Encode(s_text, new EncodingOptions { ParseSpecial = special });
            Assert.All(tokens, token => Assert.InRange(token, 0, tokenizer.VocabularySize - 1));
            tokenizer.Decode(tokens, showSpecial: true);
        }
    }

    private static byte[] Damage(byte[] file, Random random)
    {
        List<byte> bytes = [.. file];
        for (int times = random.Next(1, 5); times > 0 && bytes.Count > 1; times--)
        {
            int at = random.Next(bytes.Count), length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(s_inserted[random.Next(s_inserted.Length)]));
                    break;
                case 5:
                    ReplaceNumber(bytes, at, random);
                    break;
                default:
                    if (random.Next(4) == 0) bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }

    private static void ReplaceNumber(List<byte> bytes, int at, Random random)
    {
        while (at < bytes.Count && bytes[at] is < (byte)'0' or > (byte)'9') at++;
        int end = at;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9') end++;
        string[] numbers = ["0", "1", "-1", "2147483647", "70000", "16777215", "4294967296", "1e30", "0.5"];
        bytes.RemoveRange(at, end - at);
        bytes.InsertRange(at, Encoding.UTF8.GetBytes(numbers[random.Next(numbers.Length)]));
    }
}
