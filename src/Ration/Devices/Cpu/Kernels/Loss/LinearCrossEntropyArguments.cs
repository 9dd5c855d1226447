using Ration.Tensors;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Sizes and operands of a linear cross-entropy.</summary>
internal unsafe struct LinearCrossEntropyArguments
{
    /// <summary>Hidden states [tokens, width].</summary>
    public float* Hidden;

    /// <summary>The head [vocabulary, width].</summary>
    public byte* Weight;

    /// <summary>Storage of the head.</summary>
    public DType WeightType;

    /// <summary>Target ids [tokens]; negative = ignored.</summary>
    public int* Targets;

    /// <summary>Rows of hidden states.</summary>
    public nint Tokens;

    /// <summary>Rows of the head.</summary>
    public nint Vocabulary;

    /// <summary>Columns of both.</summary>
    public nint Width;

    /// <summary>Factor on the loss and on all gradients.</summary>
    public float Scale;

    /// <summary>Share of the target's probability that is spread evenly.</summary>
    public float LabelSmoothing;

    /// <summary>Coefficient of the squared log-sum-exp.</summary>
    public float ZLoss;

    /// <summary>Gradient tiles whose elements are all smaller, before scaling, are skipped; 0 for none.</summary>
    public float FilterThreshold;

    /// <summary>Logits z become cap · tanh(z / cap); 0 for as they are.</summary>
    public float SoftCap;

    /// <summary>Tokens whose logits are held at a time, with the whole vocabulary; 0 for blocks that fit the cache.</summary>
    public nint ChunkTokens;

    /// <summary>Ids of the rows of the head that take part, ascending, then −1 for none; null for all rows.</summary>
    public int* Sample;

    /// <summary>Room in <see cref="Sample"/>.</summary>
    public nint SampleRoom;

    /// <summary>[tokens, vocabulary]: the logits before any cap, written by the forward and read by the backward pass; null for none.</summary>
    public float* KeptLogits;

    /// <summary>[vocabulary]: each token's average logit, written by the forward pass; the backward pass takes the vocabulary in its order. Null for none.</summary>
    public float* AverageLogits;

    /// <summary>How all this is cut into blocks.</summary>
    /// <param name="backward">For the backward pass, which needs more scratch where rows of the head are chosen.</param>
    public readonly LossBlocks Blocks(bool backward) => new(
        Tokens, Sample == null ? Vocabulary : SampleRoom, Width, WeightType, ChunkTokens, gathers: Sample != null || (backward && AverageLogits != null),
        sorts: backward && AverageLogits != null);
}
