using System.Numerics;

namespace Ration.Data;

/// <summary>
/// A pseudo-random order of 0 … count − 1 that is computed, not stored: a Feistel network over the next even number of bits, walked
/// until it lands inside (Black and Rogaway 2002, "Ciphers with arbitrary finite domains", section 4: cycle-walking over the method of section 5).
/// </summary>
internal readonly struct FeistelPermutation
{
    private const int Rounds = 8;
    private readonly ulong _count;
    private readonly ulong _key;
    private readonly int _halfBits;
    private readonly ulong _halfMask;

    /// <summary>The order that belongs to a key.</summary>
    public FeistelPermutation(long count, ulong key)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _count = (ulong)count;
        _key = key;
        int bits = 64 - BitOperations.LeadingZeroCount(_count - 1);
        _halfBits = (bits + 1) / 2;
        _halfMask = (1UL << _halfBits) - 1;
    }

    /// <summary>The number at place <paramref name="index"/>; each number has one place.</summary>
    public long this[long index]
    {
        get
        {
            ulong value = (ulong)index;
            if (value >= _count) throw new ArgumentOutOfRangeException(nameof(index), index, $"there are {_count} places");
            if (_count == 1) return 0;
            // At most one in four values of the network lies inside, so a few turns suffice.
            do value = Turn(value);
            while (value >= _count);
            return (long)value;
        }
    }

    /// <summary>SplitMix64's output function (Steele, Lea and Flood 2014): equal inputs give equal outputs, close ones unrelated
    /// ones.</summary>
    public static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    private ulong Turn(ulong value)
    {
        ulong left = value >> _halfBits;
        ulong right = value & _halfMask;
        for (ulong round = 0; round < Rounds; round++) (left, right) = (right, left ^ (Mix(Mix(_key + round) ^ right) & _halfMask));
        return (left << _halfBits) | right;
    }
}
