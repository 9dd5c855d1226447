namespace Ration.Inference;

/// <summary>Which programs take a prompt: those of the least time together, padding included.</summary>
internal sealed class ChunkSchedule
{
    private readonly int[] _next;

    /// <summary>A schedule for these programs.</summary>
    /// <param name="programs">Tokens that a program takes, and its seconds; one of them takes a single token.</param>
    public ChunkSchedule(IReadOnlyList<(int Tokens, double Seconds)> programs)
    {
        int largest = programs.Max(static p => p.Tokens);
        _next = new int[largest + 1];
        double[] least = new double[largest + 1];
        for (int tokens = 1; tokens <= largest; tokens++)
        {
            least[tokens] = double.PositiveInfinity;
            foreach ((int size, double seconds) in programs)
            {
                double all = seconds + least[Math.Max(0, tokens - size)];
                if (all < least[tokens] || (all == least[tokens] && size > _next[tokens])) (least[tokens], _next[tokens]) = (all, size);
            }
        }
    }

    /// <summary>Tokens of the program to run next, which may be more than are left.</summary>
    /// <param name="left">At least 1.</param>
    public int Next(int left) => _next[Math.Min(left, _next.Length - 1)];
}
