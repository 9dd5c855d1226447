using Ration.Data;

namespace Ration.Tests.Training;

/// <summary>Rows of a step as the host writes them.</summary>
internal sealed record Batch(int Rows, int Sequence, int[] Tokens, int[] Targets, int[] Positions, int[] KeyRanges)
{
    /// <summary>Targets that are not ignored.</summary>
    public int Valid => Targets.Count(static t => t >= 0);

    /// <summary>Random tokens with a new document here and there.</summary>
    public static Batch Random(int rows, int sequence, int vocabulary, int seed)
    {
        PackedBatches data = new(new RandomTokens(1 + (rows * sequence * 8), vocabulary, seed), sequence, (ulong)seed, heldOut: 0);
        Batch batch = new(rows, sequence, new int[rows * sequence], new int[rows * sequence], new int[rows * sequence], new int[2 * rows * sequence]);
        for (int row = 0; row < rows; row++)
        {
            int at = row * sequence;
            data.Fill(row, batch.Tokens.AsSpan(at, sequence), batch.Targets.AsSpan(at, sequence), batch.Positions.AsSpan(at, sequence), batch.KeyRanges.AsSpan(2 * at, 2 * sequence));
        }

        return batch;
    }
}

/// <summary>Tokens that follow a simple rule often enough to be learned, in documents of about twenty.</summary>
internal sealed class RandomTokens : ITokenSource
{
    private readonly int[] _tokens;

    public RandomTokens(int count, int vocabulary, int seed)
    {
        Random random = new(seed);
        _tokens = new int[count];
        for (int i = 0; i < count; i++)
        {
            int previous = i == 0 ? 0 : _tokens[i - 1] & ~ITokenSource.DocumentStart;
            int token = random.Next(3) == 0 ? random.Next(vocabulary) : ((previous * 5) + 1) % vocabulary;
            _tokens[i] = token | (i == 0 || random.Next(20) == 0 ? ITokenSource.DocumentStart : 0);
        }
    }

    public long Count => _tokens.Length;

    public void Read(long start, Span<int> tokens) => _tokens.AsSpan((int)start, tokens.Length).CopyTo(tokens);
}
