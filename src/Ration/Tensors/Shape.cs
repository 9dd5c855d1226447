using System.Runtime.CompilerServices;

namespace Ration.Tensors;

/// <summary>The sizes of a tensor, outermost first; at most <see cref="MaxRank"/> of them, none for a scalar. Sizes are never negative.</summary>
public readonly struct Shape : IEquatable<Shape>
{
    /// <summary>The highest rank.</summary>
    public const int MaxRank = 4;

    private readonly Sizes _sizes;

    /// <summary>A shape of these sizes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, there are too many, or the element count passes 63 bits.</exception>
    public Shape(params ReadOnlySpan<long> sizes)
    {
        if (sizes.Length > MaxRank)
            throw new ArgumentOutOfRangeException(nameof(sizes), $"a tensor has at most {MaxRank} dimensions, not {sizes.Length}");
        Rank = sizes.Length;
        Elements = 1;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] < 0) throw new ArgumentOutOfRangeException(nameof(sizes), $"dimension {i} is {sizes[i]}; sizes are never negative");
            _sizes[i] = sizes[i];
            Elements = checked(Elements * sizes[i]);
        }
    }

    /// <summary>The shape of a single number.</summary>
    public static Shape Scalar => new([]);

    /// <summary>How many dimensions there are.</summary>
    public int Rank { get; }

    /// <summary>The product of all sizes; 1 for a scalar.</summary>
    public long Elements { get; }

    /// <summary>The size of one dimension; <c>^1</c> is the innermost.</summary>
    public long this[Index index]
    {
        get
        {
            int i = index.GetOffset(Rank);
            if ((uint)i >= (uint)Rank) throw new ArgumentOutOfRangeException(nameof(index), $"{this} has no dimension {index}");
            return _sizes[i];
        }
    }

    /// <summary>The product of all sizes but the innermost: how many rows a matrix view has.</summary>
    public long Rows => Rank == 0 ? 1 : Elements == 0 ? 0 : Elements / this[^1];

    /// <summary>The same shape with another innermost size.</summary>
    /// <exception cref="InvalidOperationException">It is the shape of a single number.</exception>
    public Shape WithInnermost(long size)
    {
        if (Rank == 0) throw new InvalidOperationException("a single number has no dimension");
        Sizes sizes = _sizes;
        sizes[Rank - 1] = size;
        return new Shape(((ReadOnlySpan<long>)sizes)[..Rank]);
    }

    /// <summary>Equal rank and sizes.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Different rank or sizes.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Shape other) => Rank == other.Rank && ((ReadOnlySpan<long>)_sizes)[..Rank].SequenceEqual(((ReadOnlySpan<long>)other._sizes)[..Rank]);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        for (int i = 0; i < Rank; i++) hash.Add(_sizes[i]);
        return hash.ToHashCode();
    }

    /// <summary>For example <c>[1024, 768]</c>.</summary>
    public override string ToString()
    {
        long[] sizes = ((ReadOnlySpan<long>)_sizes)[..Rank].ToArray();
        return $"[{string.Join(", ", sizes)}]";
    }

    [InlineArray(MaxRank)]
    private struct Sizes
    {
        private long _first;
    }
}
