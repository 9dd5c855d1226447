using System.Runtime.CompilerServices;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Activations in 8 bits between running estimates of each group's range (Pan et al. 2021, head-wise quantization), and back.</summary>
internal static unsafe class ActivationQuantization
{
    private const int Chunk = 1024;

    /// <summary>Renews the running estimates with a least and a greatest element, and derives each group's least value and step, so wide that nothing lies outside.</summary>
    /// <param name="seen">[2, groups]: least elements, greatest elements.</param>
    /// <param name="estimates">[2, groups]: least values, ranges; changed.</param>
    /// <param name="scales">[2, groups]: least values, steps; overwritten.</param>
    /// <param name="groups">How many.</param>
    /// <param name="decay">Share of the old estimate.</param>
    public static void Renew(float* seen, float* estimates, float* scales, nint groups, float decay)
    {
        for (nint g = 0; g < groups; g++)
        {
            double least = seen[g], greatest = seen[groups + g], range = greatest - least;
            bool isFirst = estimates[g] == 0 && estimates[groups + g] == 0;
            estimates[g] = isFirst ? (float)least : (float)((decay * (double)estimates[g]) + ((1 - (double)decay) * least));
            estimates[groups + g] = isFirst ? (float)range : (float)((decay * (double)estimates[groups + g]) + ((1 - (double)decay) * range));
            double low = Math.Min(least, estimates[g]), high = Math.Max(greatest, (double)estimates[g] + estimates[groups + g]);
            (scales[g], scales[groups + g]) = ((float)low, (float)((high - low) / QuantizeActivation.Steps));
        }
    }

    /// <summary>code = clip(⌊(x − least) / step + u⌋, 0, 255) with u uniform in [0, 1), drawn as <see cref="DropoutKernel"/> draws.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="x">[rows, elements].</param>
    /// <param name="codes">[rows, elements]; overwritten.</param>
    /// <param name="scales">[2, groups].</param>
    /// <param name="rows">Rows that draw by themselves.</param>
    /// <param name="elements">Elements of one, whole rows of channels.</param>
    /// <param name="groups">Groups of a row of channels.</param>
    /// <param name="group">Channels of a group.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="firstRow">Number of the first row in the run.</param>
    /// <param name="site">Distinguishes uses.</param>
    public static void Quantize(
        WorkerPool pool, float* x, byte* codes, float* scales, nint rows, nint elements, nint groups, nint group, ulong seed, ulong firstRow, int site)
    {
        QuantizeWork work = new()
        {
            X = x,
            Codes = codes,
            Scales = scales,
            Elements = elements,
            ItemsOfRow = ElementwiseKernel.Items(elements),
            Groups = groups,
            Group = group,
            Seed = seed,
            FirstRow = firstRow,
            Site = (7UL << 61) | ((ulong)(uint)site << 38), // The highest bits keep clear of the streams of dropout and of updates.
        };
        pool.Run(ref work, checked((int)(rows * work.ItemsOfRow)));
    }

    /// <summary>x = least + code·step.</summary>
    public static void Dequantize(
        WorkerPool pool, byte* codes /*[rows, groups · group]*/, float* scales /*[2, groups]*/, float* x /*overwritten*/, nint rows, nint groups, nint group)
    {
        DequantizeWork work = new() { Codes = codes, Scales = scales, X = x, Elements = rows * groups * group, Groups = groups, Group = group };
        pool.Run(ref work, ElementwiseKernel.Items(work.Elements));
    }

    private struct QuantizeWork : IParallelWork
    {
        public float* X;
        public byte* Codes;
        public float* Scales;
        public nint Elements;
        public nint ItemsOfRow;
        public nint Groups;
        public nint Group;
        public ulong Seed;
        public ulong FirstRow;
        public ulong Site;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* noise = stackalloc float[Chunk];
            uint* words = stackalloc uint[RandomGroup.Size];
            nint row = item / ItemsOfRow, start = item % ItemsOfRow * ElementwiseKernel.Block;
            nint end = nint.Min(Elements, start + ElementwiseKernel.Block);
            for (; start < end; start += Chunk)
            {
                nint count = nint.Min(Chunk, end - start);
                for (nint i = 0; i < count; i += RandomGroup.Size)
                {
                    RandomGroup.Fill(Seed, Site ^ (FirstRow + (ulong)row), (ulong)(start + i) / RandomGroup.Size, words);
                    for (int j = 0; j < RandomGroup.Size; j++) noise[i + j] = (words[j] >> 8) * (1f / (1 << 24));
                }

                Round((row * Elements) + start, start % (Groups * Group), count, noise);
            }
        }

        // Runs of channels that share a scale.
        private readonly void Round(nint at, nint channel, nint count, float* noise)
        {
            for (nint done = 0; done < count;)
            {
                nint g = channel / Group, run = nint.Min(count - done, Group - (channel % Group)), i = 0;
                float step = Scales[Groups + g], inverse = step > 0 ? 1 / step : 0;
                float* x = X + at + done, u = noise + done;
                if (LaneWidth.Is16) i = Body<Lanes16>(x, u, i, run, Scales[g], inverse);
                else if (LaneWidth.Is8) i = Body<Lanes8>(x, u, i, run, Scales[g], inverse);
                _ = Body<Lanes1>(x, u, i, run, Scales[g], inverse);
                for (i = 0; i < run; i++) Codes[at + done + i] = (byte)u[i];
                done += run;
                channel = (channel + run) % (Groups * Group);
            }
        }

        // The rounded number takes the place of its noise.
        private static nint Body<T>(float* x, float* u, nint i, nint count, float least, float inverse)
            where T : unmanaged, ILanes<T>
        {
            T low = T.Create(least), scale = T.Create(inverse), zero = T.Create(0f), most = T.Create((float)QuantizeActivation.Steps);
            for (; i + T.Count <= count; i += T.Count)
                T.Min(T.Max(T.Floor(((T.Load(x + i) - low) * scale) + T.Load(u + i)), zero), most).Store(u + i);
            return i;
        }
    }

    private struct DequantizeWork : IParallelWork
    {
        public byte* Codes;
        public float* Scales;
        public float* X;
        public nint Elements;
        public nint Groups;
        public nint Group;

        public readonly void Execute(int item, int worker)
        {
            nint at = item * ElementwiseKernel.Block, end = nint.Min(Elements, at + ElementwiseKernel.Block);
            while (at < end)
            {
                nint channel = at % (Groups * Group), g = channel / Group, stop = nint.Min(end, at + Group - (channel % Group));
                float least = Scales[g], step = Scales[Groups + g];
                for (; at < stop; at++) X[at] = (Codes[at] * step) + least;
            }
        }
    }
}
