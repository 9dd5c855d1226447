namespace Ration.Tokenizers.SentencePiece;

/// <summary>The merges that the scores of a SentencePiece vocabulary amount to.</summary>
internal static class SentencePieceMerges
{
    /// <summary>Every pair of tokens that make a third, the one of the highest score first.</summary>
    public static IEnumerable<(int Left, int Right)> Of(TokenVocabulary vocabulary)
    {
        List<(int Left, int Right, int Merged)> merges = [];
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Kind(id) == TokenKind.Normal && vocabulary.Find(vocabulary.Bytes(id)) == id) AddSplits(vocabulary, id, merges);
        }

        return merges.OrderByDescending(m => vocabulary.Score(m.Merged)).ThenBy(static m => m.Merged).ThenBy(static m => m.Left).Select(static m => (m.Left, m.Right));
    }

    private static void AddSplits(TokenVocabulary vocabulary, int id, List<(int Left, int Right, int Merged)> merges)
    {
        ReadOnlySpan<byte> bytes = vocabulary.Bytes(id);
        for (int at = 1; at < bytes.Length; at++)
        {
            int left = vocabulary.Find(bytes[..at]), right = left < 0 ? -1 : vocabulary.Find(bytes[at..]);
            if (right >= 0 && vocabulary.Kind(left) == TokenKind.Normal && vocabulary.Kind(right) == TokenKind.Normal) merges.Add((left, right, id));
        }
    }
}
