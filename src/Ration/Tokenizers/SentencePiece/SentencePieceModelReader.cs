using System.Text.Unicode;
using Microsoft.Win32.SafeHandles;
using Ration.Files;

namespace Ration.Tokenizers.SentencePiece;

/// <summary>Reads SentencePiece's model files (<c>sentencepiece_model.proto</c> of the SentencePiece project).</summary>
internal static class SentencePieceModelReader
{
    /// <summary>Vocabularies of 256,000 pieces take five megabytes.</summary>
    private const long FileLimit = 64 << 20;

    private const int PieceBytes = 1024;
    private const int MostPieces = 1 << 20;
    private const string HowToMend = "copy it again from the model's source";

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="FileFormatException">It is no SentencePiece model, or one that is cut off or inconsistent.</exception>
    /// <exception cref="InvalidInputException">It is missing or may not be read.</exception>
    public static SentencePieceModel Read(string path)
    {
        using SafeFileHandle handle = InputFile.Open(path, out long length);
        if (length > FileLimit) throw new FileFormatException(path, $"the file has {length} bytes, too many for a tokenizer", "check which file this is");
        byte[] bytes = new byte[length];
        InputFile.ReadExactly(handle, path, 0, bytes);
        return Parse(bytes, path);
    }

    /// <summary>Reads and checks the bytes of a file; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="FileFormatException">They are no SentencePiece model, or one that is cut off or inconsistent.</exception>
    public static SentencePieceModel Parse(ReadOnlySpan<byte> bytes, string path)
    {
        try
        {
            return ReadModel(bytes);
        }
        catch (FormatException e)
        {
            throw new FileFormatException(path, $"the file is not a sound SentencePiece model: {e.Message}", HowToMend, e);
        }
    }

    private static SentencePieceModel ReadModel(ReadOnlySpan<byte> bytes)
    {
        var pieces = new List<byte[]>();
        var scores = new List<float>();
        var kinds = new List<TokenKind>();
        var model = new SentencePieceModel();
        var reader = new ProtobufReader(bytes);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    ReadPiece(reader.ReadBytes(), pieces, scores, kinds);
                    break;
                case 2:
                    ReadTrainer(reader.ReadBytes(), model);
                    break;
                case 3:
                    ReadNormalizer(reader.ReadBytes(), model);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }

        if (pieces.Count == 0) throw new FormatException("it has no pieces");
        int unknown = kinds.IndexOf(TokenKind.Unknown);
        if (unknown < 0) throw new FormatException("it has no piece for unknown text");
        (model.Pieces, model.Scores, model.Kinds, model.UnknownId) = ([.. pieces], [.. scores], [.. kinds], unknown);
        (model.BeginningId, model.EndId) = (Id(model.BeginningId, pieces.Count), Id(model.EndId, pieces.Count));
        return model;
    }

    // Trainers write −1 for "none", and ids beyond the pieces where pieces were taken out afterwards.
    private static int Id(int id, int count) => (uint)id < (uint)count ? id : -1;

    private static void ReadPiece(ReadOnlySpan<byte> message, List<byte[]> pieces, List<float> scores, List<TokenKind> kinds)
    {
        ReadOnlySpan<byte> piece = [];
        float score = 0;
        int kind = (int)TokenKind.Normal;
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            if (reader.Field == 1) piece = reader.ReadBytes();
            else if (reader.Field == 2) score = reader.ReadSingle();
            else if (reader.Field == 3) kind = reader.ReadInt32();
            else reader.Skip();
        }

        if (pieces.Count == MostPieces) throw new FormatException($"it has more than {MostPieces} pieces");
        if (piece.IsEmpty) throw new FormatException($"piece {pieces.Count} is empty");
        if (piece.Length > PieceBytes) throw new FormatException($"piece {pieces.Count} has {piece.Length} bytes; at most {PieceBytes} are allowed");
        if (!Utf8.IsValid(piece)) throw new FormatException($"piece {pieces.Count} is not UTF-8");
        if (!float.IsFinite(score)) throw new FormatException($"the score of piece {pieces.Count} is not a number");
        if (kind is < (int)TokenKind.Normal or > (int)TokenKind.Byte) throw new FormatException($"piece {pieces.Count} has the unknown type {kind}");
        pieces.Add(piece.ToArray());
        scores.Add(score);
        kinds.Add((TokenKind)kind);
    }

    private static void ReadTrainer(ReadOnlySpan<byte> message, SentencePieceModel model)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 3:
                    model.Algorithm = (SentencePieceAlgorithm)reader.ReadInt32();
                    break;
                case 24:
                    model.WhitespaceAsSuffix = reader.ReadVarint() != 0;
                    break;
                case 35:
                    model.ByteFallback = reader.ReadVarint() != 0;
                    break;
                case 41:
                    model.BeginningId = reader.ReadInt32();
                    break;
                case 42:
                    model.EndId = reader.ReadInt32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private static void ReadNormalizer(ReadOnlySpan<byte> message, SentencePieceModel model)
    {
        var reader = new ProtobufReader(message);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 2:
                    model.CharacterMap = reader.ReadBytes().ToArray();
                    break;
                case 3:
                    model.AddDummyPrefix = reader.ReadVarint() != 0;
                    break;
                case 4:
                    model.RemoveExtraWhitespaces = reader.ReadVarint() != 0;
                    break;
                case 5:
                    model.EscapeWhitespaces = reader.ReadVarint() != 0;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }
}
