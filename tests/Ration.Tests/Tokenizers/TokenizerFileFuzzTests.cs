using System.Text;
using Ration.Tests.Files;
using Ration.Tests.Tokenizers.HuggingFace;
using Ration.Tests.Tokenizers.SentencePiece;
using Ration.Tokenizers;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tests.Tokenizers;

/// <summary>Mutated tokenizer files, see <see cref="FileMutations"/>; what is read also makes tokens of a text and the text of them.</summary>
public sealed class TokenizerFileFuzzTests
{
    private static readonly byte[] s_text = Encoding.UTF8.GetBytes("Hello, wörld!  It's 3.14 <s>\n\n世界\u0301 \uFB01 \U0001F600\0 ab");

    [Fact]
    public void Tokenizer_json()
    {
        byte[][] files =
        [
            TokenizerJsonFile.Trained(out _, 300),
            .. new[] { TokenizerJsonFile.SentencePieceBpe, TokenizerJsonFile.Unigram, TokenizerJsonFile.WordPiece, TokenizerJsonFile.ByteLevel }.Select(Encoding.UTF8.GetBytes),
        ];
        TryAll(files, text: true, TokenizerJsonReader.FileName, TokenizerJsonReader.Read);
    }

    [Fact]
    public void Tokenizer_model()
    {
        byte[] map = [16, 0, 0, 0, 0, 4, 0, 0, .. new byte[12], .. "\0abc\0"u8];
        byte[][] files = [.. Enumerable.Range(1, 2).Select(algorithm => new SentencePieceFile()
            .Piece("<unk>", 0, TokenKind.Unknown).Piece("<s>", 0, TokenKind.Control).Piece("</s>", 0, TokenKind.Control).Piece("<x>", 0, TokenKind.UserDefined)
            .Piece("\u2581a", -1.5f).Piece("<0x62>", -2, TokenKind.Byte).Piece("a", -5).Piece("\u2581", -4).Piece("lo", -3)
            .Trainer(algorithm, true, 1, 2).Normalizer(map, true, true).ToArray())];
        TryAll(files, text: false, SentencePieceModelTokenizer.FileName, static path => SentencePieceModelTokenizer.Create(SentencePieceModelReader.Read(path), path));
    }

    private static void TryAll(byte[][] files, bool text, string name, Func<string, ReadTokenizer> read)
    {
        int each = (FileMutations.Count(2000) + files.Length - 1) / files.Length;
        foreach (byte[] file in files) FileMutations.Expect(each, count => FileMutations.Try(file, file.Length, text, name, count, path => Encode(read(path))));
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
}
