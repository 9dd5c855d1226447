using System.Runtime.InteropServices;
using Ration.Devices.Cpu;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Models;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Models;

/// <summary>
/// Every number of a configuration counts: with another one the small models no longer agree with their golden loss. What moves slow
/// rotations alone, which nobody sees in a short text, is left to <see cref="RotaryFormulasTests"/>.
/// </summary>
public sealed class ConfigurationNumbersTests : IDisposable
{
    private static readonly Dictionary<string, (string Model, Func<ModelConfiguration, ModelConfiguration> Change)> s_changes = new()
    {
        ["rope theta"] = ("llama", static m => m with { RopeTheta = 5000 }),
        ["rotary pairing"] = ("llama", static m => m with { RotaryPairing = RotaryPairing.Neighbours }),
        ["norm epsilon"] = ("llama", static m => m with { NormEpsilon = 1e-2f }),
        ["high frequency factor"] = ("llama-llama3", static m => m with { RotaryScaling = m.RotaryScaling! with { HighFrequencyFactor = 8 } }),
        ["linear factor"] = ("llama-linear", static m => m with { RotaryScaling = m.RotaryScaling! with { Factor = 2 } }),
        ["context of dynamic scaling"] = ("llama-dynamic", static m => m with { Context = 12 }),
        ["attention factor"] = ("llama-yarn", static m => m with { RotaryScaling = m.RotaryScaling! with { AttentionFactor = 1 } }),
        ["sliding window"] = ("mistral", static m => m with { SlidingWindow = 6 }),
        ["first windowed layer"] = ("qwen2", static m => m with { FirstWindowedLayer = 1 }),
        ["full attention"] = ("gemma2", static m => m with { FullAttentionEvery = 3 }),
        ["attention scalar"] = ("gemma2", static m => m with { AttentionScalar = 0 }),
        ["attention soft cap"] = ("gemma2", static m => m with { AttentionSoftCap = 0 }),
        ["logit soft cap"] = ("gemma2", static m => m with { LogitSoftCap = 0 }),
        ["embedding scale"] = ("gemma", static m => m with { EmbeddingScale = 1 }),
        ["norm gain offset"] = ("gemma", static m => m with { NormGainOffset = 0 }),
        ["local rope theta"] = ("gemma3", static m => m with { LocalRopeTheta = 0 }),
        ["rotary dimension"] = ("phi3-long", static m => m with { RotaryDimension = 8, RotaryScaling = null }),
        ["longrope's lists"] = ("phi3-long", static m => m with { RotaryScaling = Architectures.LongRope(32) }),
        ["silu"] = ("gpt2", static m => m with { Activation = MlpActivation.Silu }),
        ["experts per token"] = ("mixtral", static m => m with { ExpertsPerToken = 3 }),
        ["expert weights that add up to 1"] = ("mixtral", static m => m with { NormalizeExpertWeights = false }),
        ["expert weights that do not"] = ("qwen2-moe", static m => m with { NormalizeExpertWeights = true }),
    };

    private readonly ArchitectureGolden _golden = new();

    public static TheoryData<string> Changes => [.. s_changes.Keys];

    public void Dispose() => _golden.Dispose();

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_changed_number_changes_the_loss(string change)
    {
        (string name, Func<ModelConfiguration, ModelConfiguration> apply) = s_changes[change];
        ModelConfiguration model = Architectures.All[name];
        double loss = _golden.Loss(name);
        Assert.Equal(loss, Loss(model, model), 1e-5 * loss);
        Assert.True(Math.Abs(Loss(model, apply(model)) - loss) > 5e-5 * loss, $"{change} makes no difference to {name}");
    }

    [Fact]
    public void Each_activation_is_the_function_of_its_name()
    {
        foreach ((MlpActivation activation, ActivationFunction function) in ((MlpActivation, ActivationFunction)[])
            [(MlpActivation.Silu, ActivationFunction.Silu), (MlpActivation.Gelu, ActivationFunction.Gelu), (MlpActivation.GeluTanh, ActivationFunction.GeluTanh)])
        {
            Assert.All(Ops("gemma", activation).OfType<GatedActivation>(), op => Assert.Equal(function, op.Function));
            Assert.Equal(3, Ops("gpt2", activation).OfType<Activation>().Count(op => op.Function == function));
        }

        static IEnumerable<Op> Ops(string name, MlpActivation activation)
        {
            GraphBuilder builder = new();
            _ = new TransformerModel(builder, Architectures.All[name] with { Activation = activation }, 5).HiddenStates(TransformerModel.DeclareInputs(builder, 1, 5));
            return builder.Nodes.Select(static n => n.Op);
        }
    }

    // The weights of one configuration under the rules of another.
    private double Loss(ModelConfiguration weights, ModelConfiguration rules)
    {
        GraphBuilder builder = new();
        TransformerModel transformer = new(builder, rules, _golden.Sequence);
        Value targets = builder.Input("targets", new Shape(_golden.Rows, _golden.Sequence), DType.I32), scale = builder.Input("scale", Shape.Scalar);
        Value hidden = transformer.HiddenStates(TransformerModel.DeclareInputs(builder, _golden.Rows, _golden.Sequence));
        Value loss = transformer.Loss(hidden, targets, scale);
        builder.Output(loss);
        using CpuDevice device = new(1);
        StepProgram program = StepProgram.Compile(builder.Build(), device);
        _golden.Run(device, program, weights);
        float[] result = new float[1];
        device.Read(program.OffsetOf(loss.Name), MemoryMarshal.AsBytes(result.AsSpan()));
        return result[0];
    }
}
