using System.Runtime.CompilerServices;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Ops;

/// <summary>What an op does not accept: the message names the op, every input's shape and the line that asked.</summary>
public sealed class OpRefusalTests
{
    private readonly GraphBuilder _graph = new();
    private int _values;

    [Fact]
    public void Products_refuse_what_does_not_fit()
    {
        Refuses(new MatMul(false, false), [F(3, 4), F(3, 4)], "inner sizes differ, 4 and 3");
        Refuses(new MatMul(true, true), [F(3, 4), F(5, 4)], "inner sizes differ, 3 and 4");
        Refuses(new MatMul(false, true), [F(4), F(3, 4)], "at least 2 dimensions");
        Refuses(new MatMul(false, true), [I(3, 4), F(3, 4)], "real numbers");
        Refuses(new MatMul(false, true, true), [F(2, 4), F(3, 4), F(2, 4)], "[2, 3]");
        Refuses(new MatMul(false, true, true), [F(2, 4), F(3, 4)], "takes 3 inputs, not 2");
        Refuses(new QuantizeMatrix(false), [F(32, 48)], "multiples of 32");
        Refuses(new QuantizeMatrix(true), [F(16, 64)], "multiples of 32");
        Refuses(new QuantizeMatrix(true), [F(2, 32, 32)], "multiples of 32");
        Refuses(new QuantizeMatrix(false), [I(32, 32)], "real numbers");
        Refuses(new QuantizeMatrix(false), [F(32, 32), F(32, 32)], "takes 1 input");
    }

    [Fact]
    public void What_saves_activations_refuses_what_does_not_fit()
    {
        Refuses(new QuantizeActivation(3, 0.9f, 0), [F(5, 7), F(2, 2), Input(DType.I64, 2)], "groups of 3 channels do not divide the width");
        Refuses(new QuantizeActivation(7, 1, 0), [F(5, 7), F(2, 1), Input(DType.I64, 2)], "the decay 1 is not in [0, 1)");
        Refuses(new QuantizeActivation(7, 0.9f, 0), [F(5, 7), F(2, 7), Input(DType.I64, 2)], "input 1 must have shape [2, 1]");
        Refuses(new DequantizeActivation(7), [F(5, 7), F(2, 1)], "input 0 must be U8");
        Refuses(new WinnerTakeAllRows(6, 0), [F(5, 7), Input(DType.I64, 2)], "6 rows cannot be chosen");
        Refuses(new GatherRows(), [F(5, 7), I(3), F(4)], "input 2 must have shape [3]");
        Refuses(new ToFixedPoint(6, 2), [F(5, 7)], "no fixed point of 6 bits with 2 after the point");
        Refuses(new ToFixedPoint(4, 4), [F(5, 7)], "no fixed point of 4 bits");
        Refuses(new ToFixedPoint(8, 4), [I(5, 7)], "input 0 must be F32");
        Refuses(new FromFixedPoint(4, 1, 7), [Input(DType.U8, 5, 3)], "rows of 7 elements have not as many bytes");
        Refuses(new FromFixedPoint(8, -1, 7), [Input(DType.U8, 5, 7)], "no fixed point of 8 bits with -1");
        Refuses(new EmptySlots(0), [], "slots of 0 bytes");
        Refuses(new StoreInSlot(1), [Slots(), Input(DType.I64), F(2, 3)], "at least one scalar");
        Refuses(new StoreInSlot(1), [F(30), Input(DType.I64), F(2, 3), F()], "input 0 must be the memory of slots");
        Refuses(new StoreInSlot(1), [Slots(), F(), F(2, 3), F()], "input 1 must be a place in the slots");
        Refuses(new StoreInSlot(1), [Slots(), Input(DType.I64), F(2, 4), F()], "smaller than what they shall keep");
        Refuses(new StoreInSlot(1), [Slots(), Input(DType.I64), I(2, 3), F()], "keeps F32 or U8");
        Refuses(new StoreInSlot(1), [Slots(), Input(DType.I64), F(2, 3), F(2)], "input 3 must have shape []");
        Refuses(new StoreInSlot(0), [Slots(), Input(DType.I64), F(2, 3), F()], "the share 0");
        Refuses(new LoadFromSlot(new(2, 3)), [Slots(), Input(DType.I64), F()], "input 2 must be a place in the slots");
        Refuses(new LoadFromSlot(new(2, 4)), [Slots(), Input(DType.I64), Input(DType.I64)], "the slots are smaller than F32[2, 4]");
        Refuses(new LoadFromSlot(new(2, 3)), [Slots(), Input(DType.I64), Input(DType.I64), F(3, 2)], "input 3 must have shape [2, 3]");
        Refuses(new KeepLargest(8), [F(5, 7)], "8 of 7 columns cannot be kept");
        Refuses(new KeepLargest(3), [F(5, 7), F(7)], "input 1 must have shape [5]");
        Refuses(new PlaceLargest(new(5, 7)), [F(5, 3), I(5, 2)], "input 1 must have shape [5, 3]");
        Refuses(new PlaceLargest(new(4, 7)), [F(5, 3), I(5, 3)], "these are not of rows of [4, 7]");
        Refuses(new PlaceLargest(new(5, 7)), [F(5, 3), I(5, 3), F(3)], "input 2 must have shape [5]");
        Refuses(new GaussianProjection(3, 0, 0), [Input(DType.I64, 2)], "there is no 3 by 0 projection");
        Refuses(new TwoBitActivationGradient(ActivationFunction.Silu), [F(5, 7), Input(DType.U8, 5, 7)], "input 1 must have shape [5, 2]");
        Refuses(new TiledMlp(ActivationFunction.Silu, true, false, 2), [F(15, 3), F(5, 3), F(5, 3), F(3, 5)], "2 tiles have not 8 rows each");
        Refuses(new TiledMlp(ActivationFunction.Silu, false, false, 1), [F(15, 3), F(5, 4), F(3, 5)], "the matrices do not fit each other");
        Refuses(new TiledMlp(ActivationFunction.Silu, true, false, 1), [F(15, 3), F(4, 3), F(5, 3), F(3, 5)], "input 1 must have shape [5, 3]");
    }

    [Fact]
    public void Sums_refuse_what_does_not_fit()
    {
        Refuses(new Add(), [F(3, 4), F(4, 3)], "input 1 must have shape [3, 4]");
        Refuses(new Add(), [F(3, 4)], "takes 2 inputs, not 1");
        Refuses(new AddBias(), [F(3, 4), F(3)], "input 1 must have shape [4]");
        Refuses(new AddBias(), [F(), F(3)], "at least 1 dimension");
        Refuses(new ColumnSum(true), [F(3, 4), F(3)], "input 1 must have shape [4]");
        Refuses(new ColumnSum(false), [F()], "at least 1 dimension");
        Refuses(new Sum(), [I(3)], "input 0 must be F32");
        Refuses(new SumOfSquares(), [I(3)], "takes real numbers");
        Refuses(new Cast(DType.BF16), [I(3)], "floating-point");
        Refuses(new Cast(DType.I32), [F(3)], "floating-point");
        Refuses(new Fill(0), [I(3)], "input 0 must be F32");
        Refuses(new RandomMatrix(2, 3, 1, 0, 0), [F(1)], "input 0 must have shape []");
        Refuses(new RandomMatrix(2, 0, 1, 0, 0), [F()], "2 rows and 0 columns is empty");
        Refuses(new RandomMatrix(2, 3, float.NaN, 0, 0), [F()], "deviation NaN");
    }

    [Fact]
    public void Bases_refuse_what_does_not_fit()
    {
        Refuses(new Orthonormalize(), [F(3, 4)], "more columns than a basis");
        Refuses(new Orthonormalize(), [F(2, 4, 3)], "one matrix");
        Refuses(new Orthonormalize(), [I(4, 3)], "input 0 must be F32");
        Refuses(new Orthonormalize(), [F(4, 3), F(4, 3)], "takes 1 inputs, not 2");
        Refuses(new CosineColumns(0), [], "size 0");
        Refuses(new CosineColumns(4), [F(3, 4)], "list of numbers");
        Refuses(new CosineColumns(4), [I(3)], "input 0 must be F32");
        Refuses(new SelectLargest(5), [F(4)], "cannot select 5 of 4");
        Refuses(new SelectLargest(0), [F(4)], "cannot select 0 of 4");
        Refuses(new SelectLargest(1), [F(4, 4)], "takes a list");
        Refuses(new AssignRow(), [F(3, 4), F(5), F()], "not 4 elements");
        Refuses(new AssignRow(), [F(12), F(4), F()], "row of a matrix");
        Refuses(new AssignRow(), [F(3, 4), F(4), F(3)], "input 2 must have shape");
        Refuses(new Reshape(new(3, 5)), [F(4, 4)], "another number of elements");
        Refuses(new InverseColumn(1), [F(3, 4), F()], "square");
        Refuses(new InverseColumn(0), [F(3, 3), F()], "above 0");
        Refuses(new SelectColumns(), [F(4, 3), I(2)], "input 1 must be F32");
        Refuses(new SelectColumns(), [F(4, 3), F(2, 1)], "a list of numbers of columns");
        Refuses(new SelectColumns(), [F(), F(2)], "at least 1 dimension");
        Refuses(new ReplaceColumns(), [F(4, 3), F(4, 3), F(2)], "input 1 must have shape [4, 2]");
        Refuses(new ReplaceColumns(), [F(4, 3), F(4, 2), F()], "a list of numbers of columns");
    }

    [Fact]
    public void Activations_and_norms_refuse_what_does_not_fit()
    {
        Refuses(new Activation(ActivationFunction.Silu), [I(3)], "input 0 must be F32");
        Refuses(new ActivationGradient(ActivationFunction.Silu), [F(3), F(4)], "input 0 must have shape [4]");
        Refuses(new GatedActivation(ActivationFunction.Silu), [F(3, 4), F(3, 5)], "input 1 must have shape [3, 4]");
        Refuses(new GatedActivationGradient(ActivationFunction.Silu), [F(3), F(3), F(4)], "input 2 must have shape [3]");
        Refuses(new RmsNorm(1e-5f), [F(3, 4), F(3)], "whole rows of 3 channels");
        Refuses(new RmsNorm(1e-5f), [F(), F(3)], "at least 1 dimension");
        Refuses(new RmsNormGradient(false, true, false), [F(3, 4), F(3, 4), F(4), F(4)], "input 3 must have shape [3]");
        Refuses(new LayerNorm(1e-5f), [F(3, 4), F(4), F(3)], "input 2 must have shape [4]");
        Refuses(new LayerNorm(1e-5f), [F(), F(4), F(4)], "at least 1 dimension");
        Refuses(new LayerNormGradient(), [F(3, 4), F(3, 4), F(4), F(3), F(4)], "input 4 must have shape [3]");
        Refuses(new LayerNormGradient(FromOutput: true), [F(3, 4), F(3, 4), F(4), F(3), F(3)], "takes 4 inputs, not 5");
        Refuses(new NormalizeRows(1e-5f, 3, false), [F(3, 4)], "whole rows of 3 channels");
        Refuses(new NormalizeRows(1e-5f, 4, true), [I(3, 4)], "input 0 must be F32");
        Refuses(new ScaleColumns(), [F(3, 4), F(4), F(3)], "input 2 must have shape [4]");
        Refuses(new ScaleColumns(), [F(3, 4), F(3)], "whole rows of 3 channels");
    }

    [Fact]
    public void Mixtures_of_experts_refuse_what_does_not_fit()
    {
        Refuses(new RouteTokens(2, false), [F(3)], "at least 2 dimensions");
        Refuses(new RouteTokens(2, false), [I(3, 4)], "input 0 must be F32");
        Refuses(new RouteTokens(5, false), [F(3, 4)], "5 of 4 experts cannot be chosen");
        Refuses(new RouteTokens(0, false), [F(3, 4)], "0 of 4 experts cannot be chosen");
        Refuses(new RouteTokens(2, false), [F(3, 4097)], "at most 4096 experts");
        Refuses(new RouteTokensGradient(new(2, false)), [F(5), F(3, 4), I(3, 2), I(3, 2)], "input 0 must have shape [6]");
        Refuses(new RouteTokensGradient(new(2, false)), [F(6), F(3, 4), I(3, 3), I(3, 2)], "input 2 must have shape [3, 2]");
        Refuses(new CopyToExperts(), [F(3, 4), I(2, 2)], "choices are needed for each row");
        Refuses(new CopyToExperts(), [F(3, 4), F(3, 2)], "input 1 must be I32");
        Refuses(new SumFromExperts(), [F(5, 4), I(3, 2)], "input 0 must have shape [6, 4]");
        Refuses(new ScaleRows(), [F(3, 4), F(4)], "one factor is needed for each row");
        Refuses(new ScaleRowsGradient(), [F(3, 4), F(3, 4), F(4)], "one factor is needed for each row");
        Refuses(new ExpertMatMul(true), [F(6, 4), F(5, 4), I(3)], "a stack of matrices");
        Refuses(new ExpertMatMul(true), [F(6, 4), F(2, 4, 5), I(3)], "inner sizes differ, 4 and 5");
        Refuses(new ExpertMatMul(false), [F(6, 4), F(2, 5, 4), I(3)], "inner sizes differ, 4 and 5");
        Refuses(new ExpertMatMul(true), [F(6, 4), F(2, 5, 4), I(2)], "input 2 must have shape [3]");
        Refuses(new ExpertMatMul(true), [F(6, 4), I(2, 5, 4), I(3)], "real numbers");
        Refuses(new ExpertMatMul(true, true), [F(6, 4), F(2, 5, 4), I(3), F(6, 4)], "input 3 must have shape [6, 5]");
        Refuses(new ExpertWeightGradient(false), [F(6, 4), F(5, 4), I(3)], "as many rows");
        Refuses(new ExpertWeightGradient(true), [F(6, 4), F(6, 5), I(3), F(2, 5, 4)], "input 3 must have shape [2, 4, 5]");
        Refuses(new LinearCrossEntropy(SoftCap: -1), [F(3, 4), F(9, 4), I(3), F()], "soft cap -1 is negative");
    }

    [Fact]
    public void Token_ops_refuse_what_does_not_fit()
    {
        Refuses(new Embedding(), [F(5, 4), F(3)], "input 1 must be I32");
        Refuses(new Embedding(), [F(5), I(3)], "matrix");
        Refuses(new Embedding(), [F(5, 4), I()], "one to three dimensions");
        Refuses(new Embedding(), [F(5, 4), I(1, 1, 1, 1)], "one to three dimensions");
        Refuses(new EmbeddingGradient(5, false), [F(3, 4), I(4)], "one row is needed for each id");
        Refuses(new RotaryEmbedding(6, RotaryFrequencies.Geometric(1e4, 6), RotaryPairing.Halves), [F(3, 10), I(3)], "whole rows of 6 channels");
        Refuses(new RotaryEmbedding(5, RotaryFrequencies.Geometric(1e4, 6), RotaryPairing.Halves), [F(3, 10), I(3)], "6 channels of 5 cannot be rotated");
        Refuses(new RotaryEmbedding(6, RotaryFrequencies.Geometric(1e4, 6), RotaryPairing.Halves), [F(3, 12), I(4)], "one position is needed for each row");
        Refuses(new RotaryEmbedding(6, RotaryFrequencies.Geometric(1e4, 6), RotaryPairing.Halves), [F(), I(1)], "at least 1 dimension");
        Refuses(new Dropout(1, 0), [F(3), Input(DType.I64, 2)], "is not in [0, 1)");
        Refuses(new Dropout(float.NaN, 0), [F(3), Input(DType.I64, 2)], "is not in [0, 1)");
        Refuses(new Dropout(0.1f, 0), [F(3), Input(DType.I64, 3)], "input 1 must have shape [2]");
        Refuses(new SelectToken(), [F(3, 4, 5), I(2)], "input 1 must have shape [3]");
        Refuses(new SelectToken(), [F(3, 4), I(3)], "must be [rows, tokens, width]");
    }

    [Fact]
    public void Caches_refuse_what_does_not_fit()
    {
        Value cache = _graph.State("cache", new(1, 6, 5), MemoryKind.KvCache);
        Refuses(new AppendToCache(), [F(1, 6, 5), F(1, 2, 5), I(1, 2)], "must be a cache");
        Refuses(new AppendToCache(), [cache, F(1, 2, 4), I(1, 2)], "input 1 must have shape [1, 2, 5]");
        Refuses(new AppendToCache(), [cache, F(5), I(1, 2)], "at least 3 dimensions");
        Refuses(new AppendToCache(), [cache, F(1, 2, 5), I(2)], "input 2 must have shape [1, 2]");
        Refuses(new AppendToCache(), [_graph.State("integers", new(1, 6, 5), MemoryKind.KvCache, DType.I32), F(1, 2, 5), I(1, 2)], "must be a cache");
        Assert.Throws<ArgumentException>(() => _graph.State("uneven", new(1, 6, 48), MemoryKind.KvCache, DType.Q8_0).Bytes);
        Refuses(new AppendToCache(), [_graph.State("blocks", new(1, 6, 48), MemoryKind.KvCache, DType.Q8_0), F(1, 2, 48), I(1, 2)], "must be a cache");
        Value keys = _graph.State("keys", new(1, 128, 32), MemoryKind.KvCache, DType.Q8_0);
        Refuses(new Attention(2, 2, 1), [F(1, 2, 32), keys, keys, I(1, 2, 2)], "no whole blocks of Q8_0");
        Refuses(new Attention(1, 1, 1) { Ring = true }, [F(1, 2, 32), keys, keys, I(1, 2, 2)], "need a window");
        Refuses(new Attention(1, 1, 1, 128) { Ring = true }, [F(1, 2, 32), keys, keys, I(1, 2, 2)], "that holds it and the queries");
        Value half = _graph.Parameter("half", new(1, 128, 32), DType.F16);
        Refuses(new Attention(1, 1, 1), [F(1, 2, 32), half, half, I(1, 2, 2)], "must be F32, or caches");
    }

    [Fact]
    public void Attention_and_loss_refuse_what_does_not_fit()
    {
        Attention attention = new(4, 2, 1);
        Refuses(attention, [F(2, 3, 8), F(2, 3, 8), F(2, 3, 8), I(2, 3, 2)], "q and k do not fit the heads");
        Refuses(attention, [F(2, 3, 8), F(1, 3, 4), F(1, 3, 4), I(2, 3, 2)], "q and k do not fit the heads");
        Refuses(attention, [F(2, 3, 8), F(2, 3, 4), F(2, 4, 4), I(2, 3, 2)], "input 2 must have shape [2, 3, 4]");
        Refuses(attention, [F(2, 3, 8), F(2, 3, 4), F(2, 3, 4), I(2, 3)], "input 3 must have shape [2, 3, 2]");
        Refuses(attention, [F(3, 8), F(3, 4), F(3, 4), I(3, 2)], "[rows, tokens, channels]");
        Refuses(new Attention(4, 3, 1), [F(2, 3, 8), F(2, 3, 4), F(2, 3, 4), I(2, 3, 2)], "4 heads cannot share 3");
        Refuses(new Attention(0, 1, 1), [F(2, 3, 8), F(2, 3, 4), F(2, 3, 4), I(2, 3, 2)], "0 heads cannot share 1");
        Refuses(new LinearCrossEntropy(), [F(3, 4), F(9, 5), I(3), F()], "the head must be [vocabulary, width]");
        Refuses(new LinearCrossEntropy(), [F(3, 4), F(9, 4), I(4), F()], "one target is needed for each row");
        Refuses(new LinearCrossEntropy(), [F(3, 4), F(9, 4), I(3), F(1)], "input 3 must have shape []");
        Refuses(new LinearCrossEntropy(LabelSmoothing: 1), [F(3, 4), F(9, 4), I(3), F()], "label smoothing 1 is not in [0, 1)");
        Refuses(new LinearCrossEntropy(), [F(), F(9, 4), I(3), F()], "at least 1 dimension");
        Refuses(new LinearCrossEntropy(FilterThreshold: -1), [F(3, 4), F(9, 4), I(3), F()], "filter threshold -1 is negative");
        Refuses(new LinearCrossEntropy(ChunkTokens: -1), [F(3, 4), F(9, 4), I(3), F()], "chunks of -1 tokens");
        Refuses(new LinearCrossEntropy(OrderVocabulary: true), [F(3, 4), F(9, 4), I(3), F()], "without a filter threshold");
        Refuses(new LinearCrossEntropy(FilterThreshold: 1, OrderVocabulary: true, KeepLogits: true), [F(3, 4), F(9, 4), I(3), F()], "ordered only where");
        Refuses(new LinearCrossEntropy(FilterThreshold: 1, OrderVocabulary: true), [F(3, 4), F(9, 4), I(3), F(), I(2)], "ordered only where");
        Refuses(new LinearCrossEntropy(KeepLogits: true), [F(3, 4), F(9, 4), I(3), F(), I(2)], "a sample are not kept");
        Refuses(new LinearCrossEntropy(), [F(3, 4), F(9, 4), I(3), F(), F(2)], "input 4 must be I32");
        Refuses(new LinearCrossEntropy(), [F(3, 4), F(9, 4), I(3), F(), I(10)], "at most the vocabulary");
        Refuses(new LinearCrossEntropyGradient(new(KeepLogits: true), true, true, false), [F(3, 4), F(9, 4), I(3), F(), F(3), F(9, 3)], "input 5 must have shape [3, 9]");
    }

    [Fact]
    public void Formulas_refuse_what_does_not_fit()
    {
        Load a = new(F(3, 4)), b = new(F(4, 3)), state = new(_graph.State("state", new(4), MemoryKind.OptimizerState));
        ElementwiseProgram mixed = ElementwiseProgram.Compile([(null, a + b)]);
        Refuses(new FusedElementwise(mixed), mixed.Inputs, "must be a scalar or [3, 4]");
        ElementwiseProgram wrong = ElementwiseProgram.Compile([(a.Value, a * 2f)]);
        Refuses(new FusedElementwise(wrong), wrong.Inputs, "cannot be assigned");
        ElementwiseProgram small = ElementwiseProgram.Compile([(state.Value, a * 2f)]);
        Refuses(new FusedElementwise(small), small.Inputs, "must be a scalar or [3, 4]");
        Assert.Throws<GraphException>(() => ElementwiseProgram.Compile([]));
    }

    [Fact]
    public void The_message_names_the_line_of_the_caller_and_not_of_the_graph_code()
    {
        Value a = F(3, 4), b = F(4, 3);
        int line = Line() + 1;
        GraphException error = Assert.Throws<GraphException>(() => _graph.Add(a, b));
        Assert.EndsWith($"Add: input 1 must have shape [3, 4]; inputs: v0 F32[3, 4], v1 F32[4, 3] (at OpRefusalTests.cs:{line})", error.Message, StringComparison.Ordinal);

        static int Line([CallerLineNumber] int line = 0) => line;
    }

    [Fact]
    public void Two_values_cannot_have_one_name()
    {
        _graph.Parameter("weight", new(2));
        GraphException error = Assert.Throws<GraphException>(() => _graph.Input("weight", new(2)));
        Assert.StartsWith("there are two values named weight", error.Message, StringComparison.Ordinal);
    }

    private Value F(params long[] sizes) => Input(DType.F32, sizes);

    private Value Slots() => Input(DType.U8, 30);

    private Value I(params long[] sizes) => Input(DType.I32, sizes);

    private Value Input(DType type, params long[] sizes) => _graph.Input($"v{_values++}", new Shape(sizes), type);

    private void Refuses(Op op, IReadOnlyList<Value> inputs, string why)
    {
        int nodes = _graph.Nodes.Count;
        GraphException error = Assert.Throws<GraphException>(() => _graph.Emit(op, "y", MemoryKind.Activations, inputs));
        Assert.StartsWith(op.Name + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        foreach (Value input in inputs) Assert.Contains($"{input.Name} {input.DType}{input.Shape}", error.Message, StringComparison.Ordinal);
        Assert.Contains("(at OpRefusalTests.cs:", error.Message, StringComparison.Ordinal);
        Assert.Equal(nodes, _graph.Nodes.Count);
    }
}
