using System.Text;
using Ration.Files;
using Ration.Tests.Files;
using Ration.Tokenizers;
using Ration.Tokenizers.SentencePiece;

namespace Ration.Tests.Tokenizers.SentencePiece;

public sealed class SentencePieceModelReaderTests
{
    [Fact]
    public void What_was_written_is_read()
    {
        byte[] map = [4, 0, 0, 0, 1, 2, 3, 4, 0];
        byte[] file = new SentencePieceFile()
            .Piece("<unk>", 0, TokenKind.Unknown).Piece("<s>", 0, TokenKind.Control).Piece("</s>", 0, TokenKind.Control)
            .Piece("\u2581a", -1.5f).Piece("<0x0A>", -2, TokenKind.Byte)
            .Trainer(algorithm: 2, byteFallback: true, beginning: 1, end: -1).Normalizer(map, addPrefix: false, collapse: false).ToArray();
        SentencePieceModel model = SentencePieceModelReader.Parse(file, "x");
        Assert.Equal(["<unk>", "<s>", "</s>", "\u2581a", "<0x0A>"], model.Pieces.Select(Encoding.UTF8.GetString));
        Assert.Equal([0, 0, 0, -1.5f, -2], model.Scores);
        Assert.Equal([TokenKind.Unknown, TokenKind.Control, TokenKind.Control, TokenKind.Normal, TokenKind.Byte], model.Kinds);
        Assert.Equal((SentencePieceAlgorithm.BytePair, true, 1, -1, 0), (model.Algorithm, model.ByteFallback, model.BeginningId, model.EndId, model.UnknownId));
        Assert.Equal((false, false, true, false), (model.AddDummyPrefix, model.RemoveExtraWhitespaces, model.EscapeWhitespaces, model.WhitespaceAsSuffix));
        Assert.Equal(map, model.CharacterMap);
    }

    [Fact]
    public void What_is_left_out_has_the_defaults_of_the_format()
    {
        SentencePieceModel model = SentencePieceModelReader.Parse(new SentencePieceFile().Piece("<unk>", 0, TokenKind.Unknown).ToArray(), "x");
        Assert.Equal((SentencePieceAlgorithm.Unigram, false, -1, -1), (model.Algorithm, model.ByteFallback, model.BeginningId, model.EndId));
        Assert.Equal((true, true, true, false), (model.AddDummyPrefix, model.RemoveExtraWhitespaces, model.EscapeWhitespaces, model.WhitespaceAsSuffix));
    }

    [Fact]
    public void Every_truncation_and_other_faults_are_told_as_such()
    {
        byte[] file = new SentencePieceFile().Piece("<unk>", 0, TokenKind.Unknown).Piece("ab", -1).Trainer(1, true, 1, 2).ToArray();
        for (int length = 0; length < file.Length; length++)
        {
            byte[] cut = file[..length];
            // A cut between fields leaves a whole, shorter file.
            if (length is 16 or 29) continue;
            Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(cut, "x"));
        }

        Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(new SentencePieceFile().Piece("a", 0).ToArray(), "x"));
        Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(new SentencePieceFile().Piece("", 0, TokenKind.Unknown).ToArray(), "x"));
        Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(new SentencePieceFile().Piece("a", float.NaN, TokenKind.Unknown).ToArray(), "x"));
        Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(new SentencePieceFile().Piece("a", 0, (TokenKind)7).ToArray(), "x"));
        Assert.Throws<FileFormatException>(() => SentencePieceModelReader.Parse(new SentencePieceFile().Piece(new string('a', 2000), 0, TokenKind.Unknown).ToArray(), "x"));
    }

    [Fact]
    public void A_file_is_read_from_its_path()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "tokenizer.model");
        File.WriteAllBytes(path, new SentencePieceFile().Piece("<unk>", 0, TokenKind.Unknown).ToArray());
        Assert.Single(SentencePieceModelReader.Read(path).Pieces);
        Assert.Throws<InvalidInputException>(() => SentencePieceModelReader.Read(path + "x"));
    }
}
