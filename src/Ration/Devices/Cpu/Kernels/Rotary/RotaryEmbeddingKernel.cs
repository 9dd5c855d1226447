using System.Runtime.CompilerServices;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Rotary position embedding (Su et al. 2021, equation 34).</summary>
internal static unsafe class RotaryEmbeddingKernel
{
    // Angles of a token live on a worker's stack.
    private const int MostChannels = RotaryEmbedding.MostChannels;

    private const nint TokensOfItem = 8;

    /// <summary>
    /// Turns pair i of every head by position·inverseFrequencies[i] radians, backwards if <paramref name="inverse"/>, which is also
    /// the gradient, and multiplies it by <paramref name="factor"/>. Channels from <paramref name="rotaryDimension"/> on are copied. y may be x. Angles keep the full precision of a
    /// float up to positions of a million.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The rotary dimension is odd, or more than the head's or <see cref="RotaryEmbedding.MostChannels"/>.
    /// </exception>
    public static void Apply(
        WorkerPool pool, float* x /*[tokens, heads·headDimension]*/, float* y /*[tokens, heads·headDimension] overwritten*/,
        int* positions /*[tokens]*/,
        nint tokens, nint heads, nint headDimension, nint rotaryDimension, float* inverseFrequencies /*[rotaryDimension/2]*/,
        float factor, RotaryPairing pairing, bool inverse)
    {
        if (rotaryDimension < 0 || rotaryDimension % 2 != 0 || rotaryDimension > nint.Min(headDimension, MostChannels))
            throw new ArgumentOutOfRangeException(nameof(rotaryDimension),
                $"{rotaryDimension} of {headDimension} channels cannot be rotated");
        Work work = new()
        {
            X = x,
            Y = y,
            Positions = positions,
            Frequencies = inverseFrequencies,
            Tokens = tokens,
            Heads = heads,
            HeadDimension = headDimension,
            RotaryDimension = rotaryDimension,
            Factor = factor,
            Neighbours = pairing == RotaryPairing.Neighbours,
            Inverse = inverse,
        };
        pool.Run(ref work, checked((int)((tokens + TokensOfItem - 1) / TokensOfItem)));
    }

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Y;
        public int* Positions;
        public float* Frequencies;
        public nint Tokens;
        public nint Heads;
        public nint HeadDimension;
        public nint RotaryDimension;
        public float Factor;
        public bool Neighbours;
        public bool Inverse;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* turns = stackalloc float[MostChannels];
            float* cosines = stackalloc float[MostChannels], sines = stackalloc float[MostChannels];
            float* turnsLow = turns + (MostChannels / 2);
            nint half = RotaryDimension / 2;
            for (nint i = 0; i < half; i++)
            {
                double quarterTurns = Frequencies[i] * (2 / Math.PI);
                turns[i] = (float)quarterTurns;
                turnsLow[i] = (float)(quarterTurns - turns[i]);
            }

            nint end = nint.Min(Tokens, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
            {
                nint i = 0;
                if (LaneWidth.Is16) i = Angles<Lanes16>(Positions[token], turns, turnsLow, cosines, sines, i, half);
                else if (LaneWidth.Is8) i = Angles<Lanes8>(Positions[token], turns, turnsLow, cosines, sines, i, half);
                _ = Angles<Lanes1>(Positions[token], turns, turnsLow, cosines, sines, i, half);
                if (Neighbours) Spread(cosines, sines, half);
                Token(token, cosines, sines);
            }
        }

        // The product with a position is split into high and low floats, so that whole quarter turns drop out of it exactly.
        private readonly nint Angles<T>(int position, float* turns, float* turnsLow, float* cosines, float* sines, nint i, nint half)
            where T : unmanaged, ILanes<T>
        {
            T at = T.Create(position), factor = T.Create(Factor), direction = T.Create(Inverse ? -Factor : Factor);
            for (; i + T.Count <= half; i += T.Count)
            {
                T turn = T.Load(turns + i);
                T high = at * turn;
                T low = T.MultiplyAdd(at, T.Load(turnsLow + i), T.MultiplyAdd(at, turn, -high));
                T whole = T.Round(high);
                T sine = VectorMath.SineCosine(whole, high - whole + low, out T cosine);
                (sine * direction).Store(sines + i);
                (cosine * factor).Store(cosines + i);
            }

            return i;
        }

        // Pairs (2i, 2i + 1) use each cosine twice and the sine with both signs.
        private static void Spread(float* cosines, float* sines, nint half)
        {
            for (nint i = half - 1; i >= 0; i--)
            {
                cosines[(2 * i) + 1] = cosines[2 * i] = cosines[i];
                sines[(2 * i) + 1] = sines[i];
                sines[2 * i] = -sines[(2 * i) + 1];
            }
        }

        private readonly void Token(nint token, float* cosines, float* sines)
        {
            nint half = RotaryDimension / 2;
            for (nint head = 0; head < Heads; head++)
            {
                nint offset = ((token * Heads) + head) * HeadDimension;
                float* x = X + offset, y = Y + offset;
                nint i = 0;
                if (Neighbours)
                {
                    if (LaneWidth.Is16) i = TurnNeighbours<Lanes16>(x, y, cosines, sines, RotaryDimension);
                    else if (LaneWidth.Is8) i = TurnNeighbours<Lanes8>(x, y, cosines, sines, RotaryDimension);
                    for (; i < RotaryDimension; i += 2)
                    {
                        float even = x[i], odd = x[i + 1];
                        y[i] = MathF.FusedMultiplyAdd(odd, sines[i], even * cosines[i]);
                        y[i + 1] = MathF.FusedMultiplyAdd(even, sines[i + 1], odd * cosines[i + 1]);
                    }
                }
                else
                {
                    if (LaneWidth.Is16) i = TurnHalves<Lanes16>(x, y, cosines, sines, 0, half);
                    else if (LaneWidth.Is8) i = TurnHalves<Lanes8>(x, y, cosines, sines, 0, half);
                    _ = TurnHalves<Lanes1>(x, y, cosines, sines, i, half);
                }

                int rest = (int)(HeadDimension - RotaryDimension);
                if (x != y) new ReadOnlySpan<float>(x + RotaryDimension, rest).CopyTo(new Span<float>(y + RotaryDimension, rest));
            }
        }

        private static nint TurnHalves<T>(float* x, float* y, float* cosines, float* sines, nint i, nint half)
            where T : unmanaged, ILanes<T>
        {
            for (; i + T.Count <= half; i += T.Count)
            {
                T first = T.Load(x + i), second = T.Load(x + half + i), cosine = T.Load(cosines + i), sine = T.Load(sines + i);
                T.MultiplyAdd(second, -sine, first * cosine).Store(y + i);
                T.MultiplyAdd(first, sine, second * cosine).Store(y + half + i);
            }

            return i;
        }

        private static nint TurnNeighbours<T>(float* x, float* y, float* cosines, float* sines, nint count)
            where T : unmanaged, ILanes<T>
        {
            nint i = 0;
            for (; i + T.Count <= count; i += T.Count)
            {
                T pairs = T.Load(x + i);
                T.MultiplyAdd(T.SwapNeighbours(pairs), T.Load(sines + i), pairs * T.Load(cosines + i)).Store(y + i);
            }

            return i;
        }
    }
}
