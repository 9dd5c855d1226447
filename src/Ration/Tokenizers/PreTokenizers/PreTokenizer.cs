using Ration.Tokenizers.Merging;

namespace Ration.Tokenizers.PreTokenizers;

/// <summary>
/// Cuts text into the words whose bytes may merge, in one pass or in several, each of which cuts what the last one left. Does in linear
/// time what the published tokenizers do with regular expressions. <see cref="PreTokenizerNames"/> knows those of known models.
/// </summary>
public sealed class PreTokenizer
{
    private readonly SplitStage[] _stages;

    internal PreTokenizer(params SplitStage[] stages) => _stages = stages;

    /// <summary>Takes a text for one word.</summary>
    public static PreTokenizer None { get; } = new();

    /// <summary>The regular expressions that this does the work of, in the order in which they are applied.</summary>
    public IEnumerable<string> Patterns => _stages.Select(static s => s.Pattern);

    /// <summary>Adds the ends of the words of a text: all, or where the text goes on unseen those that do not depend on what comes.</summary>
    internal void Split(ReadOnlySpan<byte> text, bool isFinal, PieceList pieces)
    {
        if (_stages.Length == 0)
        {
            if (isFinal && !text.IsEmpty) pieces.Add(text.Length);
            return;
        }

        int open = _stages[0].Split(text, 0, isFinal, pieces);
        foreach (SplitStage stage in _stages.AsSpan(1))
        {
            int start = 0;
            foreach (int end in pieces.Take())
            {
                stage.Split(text[start..end], start, isFinal: true, pieces);
                start = end;
            }

            if (open > start) open = stage.Split(text[start..open], start, isFinal: false, pieces);
        }
    }
}
