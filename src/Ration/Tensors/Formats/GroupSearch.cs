using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Ration.Tensors.Formats;

/// <summary>
/// The searches for scales of ggml's K-quants, for eight groups at a time: lane g holds group g, and element i of the groups is at 8 · i.
/// Every lane does what the reference does for one group, in its order and with its roundings (a product and a sum are rounded
/// apart, as a build for plain x86-64 does; a compiler that fuses them may now and then choose a neighbouring number).
/// </summary>
internal static unsafe class GroupSearch
{
    /// <summary>Groups searched together.</summary>
    public const int Lanes = 8;

    // Groups whose magnitudes stay below it are all zero.
    private const float Nothing = 1e-15f;

    /// <summary>
    /// Scale and least value of least weighted error, numbers from 0 to <paramref name="levels"/>: tries scales for
    /// levels + first + step · k levels, k = 0 … steps, and solves for scale and least value by weighted least squares each time.
    /// </summary>
    /// <param name="x">Elements, [count, 8].</param>
    /// <param name="weights">Their weights, [count, 8].</param>
    /// <param name="count">Elements of a group, at most 32.</param>
    /// <param name="levels">The greatest number.</param>
    /// <param name="grid">Scales to try.</param>
    /// <param name="numbers">Receives the numbers found, [count, 8].</param>
    /// <returns>Scales, and what is subtracted, never negative.</returns>
    public static (Vector256<float> Scale, Vector256<float> Subtracted) WithLeast(
        float* x, float* weights, int count, int levels, Grid grid, Vector256<int>* numbers)
    {
        (Vector256<float> least, Vector256<float> greatest) = (Vector256.Load(x), Vector256.Load(x));
        Vector256<float> sumW = Vector256.Load(weights), sumX = sumW * least;
        for (int i = 1; i < count; i++)
        {
            Vector256<float> xi = Vector256.Load(x + (i * Lanes)), w = Vector256.Load(weights + (i * Lanes));
            least = Vector256.ConditionalSelect(Vector256.LessThan(xi, least), xi, least);
            greatest = Vector256.ConditionalSelect(Vector256.GreaterThan(xi, greatest), xi, greatest);
            sumW += w;
            sumX += w * xi;
        }

        least = Vector256.AndNot(least, Vector256.GreaterThan(least, Vector256<float>.Zero));
        Vector256<float> flat = Vector256.Equals(greatest, least);
        float* tried = stackalloc float[32 * Lanes];
        Vector256<float> inverse = Vector256.Create((float)levels) / (greatest - least), scale = Vector256<float>.One / inverse;
        Vector256<float> bestInverse = inverse, bestOrigin = least;
        Number(x, count, levels, inverse, least, tried);
        Vector256<float> best = Error(x, weights, count, scale, least, tried, grid.Absolute);
        for (int k = 0; k <= grid.Steps; k++)
        {
            inverse = Vector256.Create(grid.First + (grid.Step * k) + levels) / (greatest - least);
            (Vector256<float> sumL, Vector256<float> sumL2, Vector256<float> sumXL) = Sums(x, weights, count, levels, inverse, least, tried);
            Vector256<float> determinant = (sumW * sumL2) - (sumL * sumL);
            Vector256<float> thisScale = ((sumW * sumXL) - (sumX * sumL)) / determinant;
            Vector256<float> thisLeast = ((sumL2 * sumX) - (sumL * sumXL)) / determinant;
            Vector256<float> above = Vector256.GreaterThan(thisLeast, Vector256<float>.Zero);
            thisLeast = Vector256.AndNot(thisLeast, above);
            thisScale = Vector256.ConditionalSelect(above, sumXL / sumL2, thisScale);
            Vector256<float> error = Error(x, weights, count, thisScale, thisLeast, tried, grid.Absolute);
            Vector256<float> better = Vector256.GreaterThan(determinant, Vector256<float>.Zero) & Vector256.LessThan(error, best);
            best = Vector256.ConditionalSelect(better, error, best);
            scale = Vector256.ConditionalSelect(better, thisScale, scale);
            bestInverse = Vector256.ConditionalSelect(better, inverse, bestInverse);
            bestOrigin = Vector256.ConditionalSelect(better, least, bestOrigin);
            least = Vector256.ConditionalSelect(better, thisLeast, least);
        }

        for (int i = 0; i < count; i++)
        {
            Vector256<int> number = Rounding.Nearest(bestInverse * (Vector256.Load(x + (i * Lanes)) - bestOrigin));
            numbers[i] = Vector256.AndNot(Clamp(number, 0, levels), flat.AsInt32());
        }

        return (Vector256.AndNot(scale, flat), -least);
    }

    /// <summary>
    /// Scale of least error, weighted by the squares of the elements, numbers from −levels to levels − 1: tries 19 scales around the one
    /// that gives the greatest magnitude the number −levels.
    /// </summary>
    /// <param name="x">Elements, [count, 8].</param>
    /// <param name="count">Elements of a group.</param>
    /// <param name="levels">Half the count of numbers.</param>
    /// <param name="numbers">Receives the numbers found plus <paramref name="levels"/>, [count, 8].</param>
    public static Vector256<float> Symmetric(float* x, int count, int levels, Vector256<int>* numbers)
    {
        (Vector256<float> size, Vector256<float> greatest) = Greatest(x, count);
        Vector256<float> nothing = Vector256.LessThan(size, Vector256.Create(Nothing));
        Vector256<float> bestInverse = Vector256.Create((float)-levels) / greatest;
        (Vector256<float> sumXL, Vector256<float> sumL2) = Sums(x, count, levels, bestInverse);
        Vector256<float> scale = Vector256.AndNot(sumXL / sumL2, Vector256.Equals(sumL2, Vector256<float>.Zero)), best = scale * sumXL;
        for (int k = -9; k <= 9; k++)
        {
            if (k == 0) continue;
            Vector256<float> inverse = Vector256.Create(-(levels + (0.1f * k))) / greatest;
            (sumXL, sumL2) = Sums(x, count, levels, inverse);
            Vector256<float> better = Vector256.GreaterThan(sumL2, Vector256<float>.Zero) & Vector256.GreaterThan(sumXL * sumXL, best * sumL2);
            Vector256<float> thisScale = sumXL / sumL2;
            bestInverse = Vector256.ConditionalSelect(better, inverse, bestInverse);
            scale = Vector256.ConditionalSelect(better, thisScale, scale);
            best = Vector256.ConditionalSelect(better, thisScale * sumXL, best);
        }

        for (int i = 0; i < count; i++)
        {
            Vector256<int> number = Clamp(Rounding.Nearest(bestInverse * Vector256.Load(x + (i * Lanes))), -levels, levels - 1);
            numbers[i] = Vector256.AndNot(number + Vector256.Create(levels), nothing.AsInt32());
        }

        return Vector256.AndNot(scale, nothing);
    }

    /// <summary>
    /// Scale of least error, weighted by the squares of the elements, numbers from −levels to levels − 1: starts as
    /// <see cref="Symmetric"/> and then moves single numbers while that lessens the error, at most five times through the group.
    /// </summary>
    /// <inheritdoc cref="Symmetric"/>
    public static Vector256<float> SymmetricByMoves(float* x, int count, int levels, Vector256<int>* numbers)
    {
        (Vector256<float> size, Vector256<float> greatest) = Greatest(x, count);
        Vector256<float> nothing = Vector256.LessThan(size, Vector256.Create(Nothing));
        Vector256<float> inverse = Vector256.Create((float)-levels) / greatest;
        (Vector256<float> sumXL, Vector256<float> sumL2) = Sums(x, count, levels, inverse);
        for (int i = 0; i < count; i++)
            numbers[i] = Clamp(Rounding.Nearest(inverse * Vector256.Load(x + (i * Lanes))), -levels, levels - 1);
        for (int pass = 0; pass < 5; pass++)
        {
            Vector256<float> changed = Vector256<float>.Zero;
            for (int i = 0; i < count; i++)
            {
                Vector256<float> xi = Vector256.Load(x + (i * Lanes)), w = xi * xi, l = Vector256.ConvertToSingle(numbers[i]);
                Vector256<float> restXL = sumXL - (w * xi * l), restL2 = sumL2 - (w * l * l);
                Vector256<int> moved = Clamp(Rounding.Nearest(xi * restL2 / restXL), -levels, levels - 1);
                Vector256<float> to = Vector256.ConvertToSingle(moved), newXL = restXL + (w * xi * to), newL2 = restL2 + (w * to * to);
                Vector256<float> better = Vector256.GreaterThan(restXL, Vector256<float>.Zero)
                    & ~Vector256.Equals(moved, numbers[i]).AsSingle()
                    & Vector256.GreaterThan(newL2, Vector256<float>.Zero)
                    & Vector256.GreaterThan(newXL * newXL * sumL2, sumXL * sumXL * newL2);
                numbers[i] = Vector256.ConditionalSelect(better.AsInt32(), moved, numbers[i]);
                sumXL = Vector256.ConditionalSelect(better, newXL, sumXL);
                sumL2 = Vector256.ConditionalSelect(better, newL2, sumL2);
                changed |= better;
            }

            if (changed.ExtractMostSignificantBits() == 0) break;
        }

        for (int i = 0; i < count; i++) numbers[i] = Vector256.AndNot(numbers[i] + Vector256.Create(levels), nothing.AsInt32());
        return Vector256.AndNot(sumXL / sumL2, nothing);
    }

    /// <summary>Both bounds are kept.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Clamp(Vector256<int> numbers, int least, int greatest) =>
        Vector256.Max(Vector256.Min(numbers, Vector256.Create(greatest)), Vector256.Create(least));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> Size, Vector256<float> Greatest) Greatest(float* x, int count)
    {
        Vector256<float> size = Vector256<float>.Zero, greatest = Vector256<float>.Zero;
        for (int i = 0; i < count; i++)
        {
            Vector256<float> xi = Vector256.Load(x + (i * Lanes)), larger = Vector256.GreaterThan(Vector256.Abs(xi), size);
            size = Vector256.ConditionalSelect(larger, Vector256.Abs(xi), size);
            greatest = Vector256.ConditionalSelect(larger, xi, greatest);
        }

        return (size, greatest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> XL, Vector256<float> L2) Sums(float* x, int count, int levels, Vector256<float> inverse)
    {
        Vector256<float> sumXL = Vector256<float>.Zero, sumL2 = Vector256<float>.Zero;
        for (int i = 0; i < count; i++)
        {
            Vector256<float> xi = Vector256.Load(x + (i * Lanes)), w = xi * xi;
            Vector256<float> l = Vector256.ConvertToSingle(Clamp(Rounding.Nearest(inverse * xi), -levels, levels - 1));
            sumXL += w * xi * l;
            sumL2 += w * l * l;
        }

        return (sumXL, sumL2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector256<float> L, Vector256<float> L2, Vector256<float> XL) Sums(
        float* x, float* weights, int count, int levels, Vector256<float> inverse, Vector256<float> least, float* tried)
    {
        Vector256<float> sumL = Vector256<float>.Zero, sumL2 = Vector256<float>.Zero, sumXL = Vector256<float>.Zero;
        for (int i = 0; i < count; i++)
        {
            Vector256<float> xi = Vector256.Load(x + (i * Lanes));
            Vector256<float> l = Vector256.ConvertToSingle(Clamp(Rounding.Nearest(inverse * (xi - least)), 0, levels));
            Vector256<float> wl = Vector256.Load(weights + (i * Lanes)) * l;
            l.Store(tried + (i * Lanes));
            sumL += wl;
            sumL2 += wl * l;
            sumXL += wl * xi;
        }

        return (sumL, sumL2, sumXL);
    }

    private static void Number(float* x, int count, int levels, Vector256<float> inverse, Vector256<float> least, float* tried)
    {
        for (int i = 0; i < count; i++)
        {
            Vector256<int> number = Clamp(Rounding.Nearest(inverse * (Vector256.Load(x + (i * Lanes)) - least)), 0, levels);
            Vector256.ConvertToSingle(number).Store(tried + (i * Lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Error(
        float* x, float* weights, int count, Vector256<float> scale, Vector256<float> least, float* tried, bool absolute)
    {
        Vector256<float> sum = Vector256<float>.Zero;
        for (int i = 0; i < count; i++)
        {
            Vector256<float> difference = (scale * Vector256.Load(tried + (i * Lanes))) + least - Vector256.Load(x + (i * Lanes));
            difference = absolute ? Vector256.Abs(difference) : difference * difference;
            sum += Vector256.Load(weights + (i * Lanes)) * difference;
        }

        return sum;
    }

    /// <summary>Scales to try, and whether errors count by magnitude or by square.</summary>
    public readonly record struct Grid(float First, float Step, int Steps, bool Absolute);
}
