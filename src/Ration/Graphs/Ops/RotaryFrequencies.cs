using System.Globalization;

namespace Ration.Graphs.Ops;

/// <summary>How fast the channel pairs of a head turn. Immutable; equal where all numbers are.</summary>
public sealed class RotaryFrequencies : IEquatable<RotaryFrequencies>
{
    private readonly float[] _radians;

    /// <summary>Frequencies, and a factor on what is rotated.</summary>
    /// <param name="radians">Radians a position for each pair, in the order of the channels.</param>
    /// <param name="factor">Factor on rotated channels; 1 for a mere rotation.</param>
    public RotaryFrequencies(ReadOnlySpan<float> radians, float factor = 1)
    {
        _radians = radians.ToArray();
        Factor = factor;
    }

    /// <summary>Pairs that turn.</summary>
    public int Count => _radians.Length;

    /// <summary>Factor on rotated channels.</summary>
    public float Factor { get; }

    /// <summary>Radians a position for each pair.</summary>
    public ReadOnlySpan<float> Radians => _radians;

    /// <summary>The frequencies of the paper, base^(−2i/d).</summary>
    /// <param name="theta">The base.</param>
    /// <param name="channels">d, the rotated channels of a head.</param>
    public static RotaryFrequencies Geometric(double theta, int channels)
    {
        float[] radians = new float[channels / 2];
        for (int i = 0; i < radians.Length; i++) radians[i] = (float)Math.Pow(theta, -2.0 * i / channels);
        return new RotaryFrequencies(radians);
    }

    /// <inheritdoc/>
    public bool Equals(RotaryFrequencies? other) =>
        other is not null && Factor.Equals(other.Factor) && Radians.SequenceEqual(other.Radians);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as RotaryFrequencies);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(Factor);
        foreach (float radian in _radians) hash.Add(radian);
        return hash.ToHashCode();
    }

    /// <summary>For example <c>64 from 1 to 0.0001154782</c>.</summary>
    public override string ToString()
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        if (Count == 0) return "none";
        string ends = string.Create(culture, $"{Count} from {_radians[0]} to {_radians[^1]}");
        return Factor == 1 ? ends : string.Create(culture, $"{ends}, times {Factor}");
    }
}
