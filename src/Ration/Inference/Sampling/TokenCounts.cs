namespace Ration.Inference.Sampling;

/// <summary>How often each token comes in the recent text: counted in time of that text, not of the vocabulary.</summary>
internal sealed class TokenCounts
{
    private int[] _counts = [];

    /// <summary>Counts the tokens of the history; each is then to be taken. Those beyond the vocabulary, which are never drawn, are passed
    /// over: prompts may have tokens that a model knows and its tokenizer does not.</summary>
    public void Count(Candidates candidates)
    {
        if (_counts.Length < candidates.Vocabulary) _counts = new int[candidates.Vocabulary];
        foreach (int token in candidates.History)
        {
            if ((uint)token < (uint)candidates.Vocabulary) _counts[token]++;
        }
    }

    /// <summary>The count of a token, the first time that it is asked for; then 0.</summary>
    public int Take(int token)
    {
        if ((uint)token >= (uint)_counts.Length) return 0;
        int count = _counts[token];
        _counts[token] = 0;
        return count;
    }
}
