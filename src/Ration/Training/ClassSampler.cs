using System.Numerics;
using Ration.Data;

namespace Ration.Training;

/// <summary>
/// Draws the classes of a step's sampled softmax: every target of the step, and of the others so many, without repetition, that a share of
/// the vocabulary is reached (An et al. 2022, "Killing Two Birds with One Stone"; the original samples on each of several
/// machines, here there is one). Which ones depends on the seed and the step alone.
/// </summary>
/// <param name="vocabulary">How many classes there are.</param>
/// <param name="count">Classes to draw; if the targets are more, they alone are drawn.</param>
/// <param name="room">Room for the classes of a step.</param>
/// <param name="seed">The seed of the run.</param>
internal sealed class ClassSampler(int vocabulary, int count, int room, ulong seed)
{
    // Distinguishes this use of a seed from others.
    private const ulong Stream = 0x53414D504C45;

    private readonly ulong[] _chosen = new ulong[(vocabulary + 63) / 64];
    private readonly int[] _classes = new int[room];
    private int _targets;

    /// <summary>Bytes of a sampler.</summary>
    public static long HostBytes(int vocabulary, int room) => (((long)vocabulary + 63) / 64 * sizeof(ulong)) + ((long)room * sizeof(int));

    /// <summary>Forgets the last step.</summary>
    public void Begin()
    {
        Array.Clear(_chosen);
        _targets = 0;
    }

    /// <summary>Takes targets of the step in; negative ones are ignored.</summary>
    public void AddTargets(ReadOnlySpan<int> targets)
    {
        foreach (int target in targets)
        {
            if (target >= 0 && Choose(target)) _targets++;
        }
    }

    /// <summary>Draws the other classes of the step.</summary>
    /// <returns>All classes, ascending, then −1 for room that is left.</returns>
    public ReadOnlySpan<int> Draw(long step)
    {
        FeistelPermutation order = new(vocabulary, FeistelPermutation.Mix(FeistelPermutation.Mix(seed ^ Stream) + (ulong)step));
        int chosen = _targets;
        for (long i = 0; chosen < count; i++)
        {
            if (Choose((int)order[i])) chosen++;
        }

        int at = 0;
        for (int word = 0; word < _chosen.Length; word++)
        {
            for (ulong bits = _chosen[word]; bits != 0; bits &= bits - 1) _classes[at++] = (word * 64) + BitOperations.TrailingZeroCount(bits);
        }

        _classes.AsSpan(at).Fill(-1);
        return _classes;
    }

    private bool Choose(int id)
    {
        ulong bit = 1UL << (id % 64);
        bool isNew = (_chosen[id / 64] & bit) == 0;
        _chosen[id / 64] |= bit;
        return isNew;
    }
}
