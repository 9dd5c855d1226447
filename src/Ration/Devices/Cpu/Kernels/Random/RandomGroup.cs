using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Random words by groups of 64 of a <see cref="CounterRandom"/> stream: word 16·w + l of group g is word w of counter 16·g + l, so
/// that sixteen counters run side by side and nothing is shuffled.
/// </summary>
internal static unsafe class RandomGroup
{
    /// <summary>Words of a group.</summary>
    public const int Size = 64;

    /// <summary>Counters of a group, four words each.</summary>
    public const int Counters = 16;

    /// <summary>Writes one group.</summary>
    public static void Fill(ulong seed, ulong stream, ulong group, uint* words /*[64] overwritten*/)
    {
        if (LaneWidth.Is16)
        {
            Fill<Words16, Vector512<uint>>(seed, stream, group * Counters, words);
        }
        else if (LaneWidth.Is8)
        {
            Fill<Words8, Vector256<uint>>(seed, stream, group * Counters, words);
            Fill<Words8, Vector256<uint>>(seed, stream, (group * Counters) + 8, words + 8);
        }
        else
        {
            CounterRandom random = new(seed, stream);
            for (int i = 0; i < Counters; i++)
            {
                (uint a, uint b, uint c, uint d) = random.Words((group * Counters) + (ulong)i);
                (words[i], words[i + Counters], words[i + (2 * Counters)], words[i + (3 * Counters)]) = (a, b, c, d);
            }
        }
    }

    // Philox4x32-10 (Salmon et al. 2011, section 4.3). Counters of a group differ in their lowest four bits only: no carry.
    private static void Fill<TWords, T>(ulong seed, ulong stream, ulong counter, uint* words)
        where TWords : struct, IWords<T>
        where T : unmanaged
    {
        T a = TWords.Ascending((uint)counter), b = TWords.Create((uint)(counter >> 32));
        T c = TWords.Create((uint)stream), d = TWords.Create((uint)(stream >> 32));
        uint keyLow = (uint)seed, keyHigh = (uint)(seed >> 32);
        for (int round = 0; round < 10; round++)
        {
            T firstLow = TWords.Multiply(a, 0xD2511F53, out T firstHigh), secondLow = TWords.Multiply(c, 0xCD9E8D57, out T secondHigh);
            a = TWords.Xor(secondHigh, b, keyLow);
            c = TWords.Xor(firstHigh, d, keyHigh);
            (b, d) = (secondLow, firstLow);
            keyLow += 0x9E3779B9;
            keyHigh += 0xBB67AE85;
        }

        TWords.Store(a, words);
        TWords.Store(b, words + Counters);
        TWords.Store(c, words + (2 * Counters));
        TWords.Store(d, words + (3 * Counters));
    }

    private interface IWords<T>
    {
        static abstract T Create(uint word);

        static abstract T Ascending(uint first);

        static abstract T Xor(T left, T right, uint word);

        /// <summary>The low halves of the products; the high ones go out.</summary>
        static abstract T Multiply(T words, uint factor, out T high);

        static abstract void Store(T words, uint* destination);
    }

    private readonly struct Words8 : IWords<Vector256<uint>>
    {
        public static Vector256<uint> Create(uint word) => Vector256.Create(word);

        public static Vector256<uint> Ascending(uint first) => Vector256.Create(first) + Vector256<uint>.Indices;

        public static Vector256<uint> Xor(Vector256<uint> left, Vector256<uint> right, uint word) => left ^ right ^ Vector256.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<uint> Multiply(Vector256<uint> words, uint factor, out Vector256<uint> high)
        {
            Vector256<ulong> even = Avx2.Multiply(words, Vector256.Create(factor));
            Vector256<ulong> odd = Avx2.Multiply((words.AsUInt64() >>> 32).AsUInt32(), Vector256.Create(factor));
            high = Avx2.Blend((even >>> 32).AsUInt32(), odd.AsUInt32(), 0b10101010);
            return Avx2.Blend(even.AsUInt32(), (odd << 32).AsUInt32(), 0b10101010);
        }

        public static void Store(Vector256<uint> words, uint* destination) => words.Store(destination);
    }

    private readonly struct Words16 : IWords<Vector512<uint>>
    {
        public static Vector512<uint> Create(uint word) => Vector512.Create(word);

        public static Vector512<uint> Ascending(uint first) => Vector512.Create(first) + Vector512<uint>.Indices;

        public static Vector512<uint> Xor(Vector512<uint> left, Vector512<uint> right, uint word) => left ^ right ^ Vector512.Create(word);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<uint> Multiply(Vector512<uint> words, uint factor, out Vector512<uint> high)
        {
            Vector512<uint> upper = Vector512.Create(0xFFFFFFFF00000000UL).AsUInt32();
            Vector512<ulong> even = Avx512F.Multiply(words, Vector512.Create(factor));
            Vector512<ulong> odd = Avx512F.Multiply((words.AsUInt64() >>> 32).AsUInt32(), Vector512.Create(factor));
            high = Vector512.ConditionalSelect(upper, odd.AsUInt32(), (even >>> 32).AsUInt32());
            return Vector512.ConditionalSelect(upper, (odd << 32).AsUInt32(), even.AsUInt32());
        }

        public static void Store(Vector512<uint> words, uint* destination) => words.Store(destination);
    }
}
