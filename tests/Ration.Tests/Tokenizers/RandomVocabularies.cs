using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePair;

namespace Ration.Tests.Tokenizers;

/// <summary>Small vocabularies that a file could hold, made at random.</summary>
internal static class RandomVocabularies
{
    /// <summary>All bytes in any order, and tokens that merge from earlier ones; merges are in any order, so a later one may go first.</summary>
    public static (TokenVocabulary Vocabulary, MergeTable Merges, List<(string Left, string Right)> Order) BytePairs(Random random, int merges, string letters)
    {
        var builder = new TokenVocabularyBuilder();
        List<byte[]> tokens = [.. Enumerable.Range(0, 256).Select(static b => new[] { (byte)b })];
        List<byte[]> parts = [.. Encoding.UTF8.GetBytes(letters).Select(static b => new[] { b })];
        var order = new List<(string, string)>();
        var known = new HashSet<string>(tokens.Select(Key));
        while (order.Count < merges)
        {
            byte[] left = parts[random.Next(parts.Count)], right = parts[random.Next(parts.Count)];
            if (left.Length + right.Length > 24 || order.Contains((Key(left), Key(right)))) continue;
            byte[] both = [.. left, .. right];
            order.Insert(random.Next(4) == 0 ? random.Next(order.Count + 1) : order.Count, (Key(left), Key(right)));
            if (!known.Add(Key(both))) continue;
            tokens.Add(both);
            parts.Add(both);
        }

        foreach (byte[] token in tokens) builder.Add(token);
        TokenVocabulary vocabulary = builder.Build();
        var table = new MergeTable(vocabulary);
        foreach ((string left, string right) in order) Assert.True(table.Add(Bytes(left), Bytes(right)));
        return (vocabulary, table, order);
    }

    /// <summary>Pieces with scores as SentencePiece has them: characters, bytes or none, and joined characters.</summary>
    public static TokenVocabulary Pieces(Random random, int pieces, string letters, bool hasBytes)
    {
        var builder = new TokenVocabularyBuilder();
        builder.Add("<unk>"u8, TokenKind.Unknown);
        builder.Add("<s>"u8, TokenKind.Control);
        for (int value = 0; value < 256 && hasBytes; value++) builder.Add([(byte)value], TokenKind.Byte);
        List<string> parts = [.. letters.EnumerateRunes().Select(static r => r.ToString())];
        foreach (string part in parts) builder.Add(Encoding.UTF8.GetBytes(part), TokenKind.Normal, -random.Next(1000, 2000));
        for (int i = 0; i < pieces; i++)
        {
            string both = parts[random.Next(parts.Count)] + parts[random.Next(parts.Count)];
            if (both.Length > 16) continue;
            parts.Add(both);
            builder.Add(Encoding.UTF8.GetBytes(both), TokenKind.Normal, random.Next(8) == 0 ? random.Next(5) : -random.Next(40));
        }

        return builder.Build();
    }

    public static string Key(byte[] bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string key) => Encoding.Latin1.GetBytes(key);
}
