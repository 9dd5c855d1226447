using System.Runtime.CompilerServices;
using Ration.Graphs.Ops;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>The choice of experts for tokens, and its gradient.</summary>
internal static unsafe class RoutingKernel
{
    private const nint TokensOfItem = 16;

    /// <summary>Bytes of workspace for <see cref="Forward"/>.</summary>
    public static long WorkspaceBytes(nint tokens, int chosen) => (long)tokens * chosen * sizeof(float);

    /// <summary>Chooses by the softmax of each token's logits, and arranges the choices by expert, within an expert by token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are more experts than <see cref="RouteTokens.MostExperts"/>.</exception>
    public static void Forward(
        WorkerPool pool, float* logits /*[tokens, experts]*/, float* weights /*[tokens·chosen] overwritten, arranged*/,
        int* experts /*[tokens, chosen] overwritten*/, int* places /*[tokens, chosen] overwritten*/, int* starts /*[count + 1] overwritten*/,
        nint tokens, nint count, int chosen, bool normalize, byte* workspace /*WorkspaceBytes*/)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, RouteTokens.MostExperts);
        var unarranged = (float*)workspace;
        ChooseWork work = new()
        {
            Logits = logits,
            Weights = unarranged,
            Experts = experts,
            Tokens = tokens,
            Count = count,
            Chosen = chosen,
            Normalize = normalize,
        };
        pool.Run(ref work, Items(tokens));
        Arrange(experts, places, starts, tokens * chosen, count);
        for (nint i = 0; i < tokens * chosen; i++) weights[places[i]] = unarranged[i];
    }

    /// <summary>
    /// With p the softmax over all experts (over the chosen ones, if normalized) and g the gradient of a weight where it was chosen, else
    /// 0: ∂/∂logit = p·(g − Σ p·g).
    /// </summary>
    public static void Backward(
        WorkerPool pool, float* dweights /*[tokens·chosen], arranged*/, float* logits /*[tokens, count]*/, int* experts /*[tokens, chosen]*/,
        int* places /*[tokens, chosen]*/, float* dlogits /*[tokens, count] overwritten*/, nint tokens, nint count, int chosen, bool normalize)
    {
        GradientWork work = new()
        {
            Dweights = dweights,
            Logits = logits,
            Experts = experts,
            Places = places,
            Dlogits = dlogits,
            Tokens = tokens,
            Count = count,
            Chosen = chosen,
            Normalize = normalize,
        };
        pool.Run(ref work, Items(tokens));
    }

    private static int Items(nint tokens) => checked((int)((tokens + TokensOfItem - 1) / TokensOfItem));

    // A counting sort, which keeps the order of tokens.
    private static void Arrange(int* experts, int* places, int* starts, nint choices, nint count)
    {
        new Span<int>(starts, (int)count + 1).Clear();
        for (nint i = 0; i < choices; i++) starts[experts[i] + 1]++;
        for (nint e = 0; e < count; e++) starts[e + 1] += starts[e];
        for (nint i = 0; i < choices; i++) places[i] = starts[experts[i]]++;
        for (nint e = count; e > 0; e--) starts[e] = starts[e - 1];
        starts[0] = 0;
    }

    // y = exp(x − the greatest x).
    private static void Exponentials(float* x, float* y, nint count) =>
        ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(x, ReductionLoops.Max(x, count), y, count);

    private struct ChooseWork : IParallelWork
    {
        public float* Logits;
        public float* Weights;
        public int* Experts;
        public nint Tokens;
        public nint Count;
        public int Chosen;
        public bool Normalize;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* exponentials = stackalloc float[RouteTokens.MostExperts];
            bool* taken = stackalloc bool[RouteTokens.MostExperts];
            nint end = nint.Min(Tokens, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
            {
                float* logits = Logits + (token * Count);
                Exponentials(logits, exponentials, Count);
                int* experts = Experts + (token * Chosen);
                Choose(logits, taken, experts);
                float* weights = Weights + (token * Chosen);
                float sum = 0;
                for (int i = 0; i < Chosen; i++) sum += weights[i] = exponentials[experts[i]];
                if (!Normalize) sum = ReductionLoops.Sum(exponentials, Count);
                for (int i = 0; i < Chosen; i++) weights[i] /= sum;
            }
        }

        // The greatest that is left, of equal ones the first; where NaN leaves none, the first.
        private readonly void Choose(float* logits, bool* taken, int* experts)
        {
            new Span<bool>(taken, (int)Count).Clear();
            for (int i = 0; i < Chosen; i++)
            {
                nint best = -1;
                for (nint e = 0; e < Count; e++)
                {
                    if (!taken[e] && (best < 0 || logits[e] > logits[best])) best = e;
                }

                taken[best] = true;
                experts[i] = (int)best;
            }
        }
    }

    private struct GradientWork : IParallelWork
    {
        public float* Dweights;
        public float* Logits;
        public int* Experts;
        public int* Places;
        public float* Dlogits;
        public nint Tokens;
        public nint Count;
        public int Chosen;
        public bool Normalize;

        [SkipLocalsInit]
        public readonly void Execute(int item, int worker)
        {
            float* exponentials = stackalloc float[RouteTokens.MostExperts];
            nint end = nint.Min(Tokens, (item + (nint)1) * TokensOfItem);
            for (nint token = item * TokensOfItem; token < end; token++)
            {
                float* dlogits = Dlogits + (token * Count);
                int* experts = Experts + (token * Chosen), places = Places + (token * Chosen);
                Exponentials(Logits + (token * Count), exponentials, Count);
                float sum = 0, product = 0;
                for (int i = 0; i < Chosen; i++)
                {
                    sum += exponentials[experts[i]];
                    product += exponentials[experts[i]] * Dweights[places[i]];
                }

                if (!Normalize) sum = ReductionLoops.Sum(exponentials, Count);
                float mean = product / sum;
                if (Normalize) new Span<float>(dlogits, (int)Count).Clear();
                else ElementwiseLoops.BinaryScalar<Multiply>(exponentials, -mean / sum, dlogits, Count);
                for (int i = 0; i < Chosen; i++)
                    dlogits[experts[i]] = exponentials[experts[i]] / sum * (Dweights[places[i]] - mean);
            }
        }
    }
}
