namespace Ration.Data;

/// <summary>A long row of tokens, read at any place. Reads may run on several threads at once and allocate nothing.</summary>
public interface ITokenSource
{
    /// <summary>Set in a token that begins a document: the sign bit, so that a marked token is negative.</summary>
    const int DocumentStart = int.MinValue;

    /// <summary>How many tokens there are.</summary>
    long Count { get; }

    /// <summary>Overwrites <paramref name="tokens"/> with the tokens from <paramref name="start"/> on, marked by
    /// <see cref="DocumentStart"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not all of them exist.</exception>
    void Read(long start, Span<int> tokens);
}
