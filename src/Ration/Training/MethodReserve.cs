using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Planning;
using Ration.Planning.Passes;

namespace Ration.Training;

/// <summary>What the process takes for the methods of a training: plans of those that are looked at, and code that is compiled for them.</summary>
internal static class MethodReserve
{
    // Code that is compiled only where activations are kept in another form, where weights are held in fewer bits, for a rule that is more than formulas,
    // for state in 4 bits.
    private const long CompiledForActivations = 1 << 20, CompiledForWeights = 2 << 20, CompiledForRule = 1 << 20;

    // As seen without AVX-512; with it, less.
    private const long CompiledForFourBits = 3 << 20;

    // Plans of methods that are looked at, at high quality and at any, and code of those that are chosen.
    private static readonly long s_lookingAtMethods = RuntimeFootprint.IsNative ? 1 << 20 : 3 << 20;
    private static readonly long s_lookingAtAllMethods = RuntimeFootprint.IsNative ? 5 << 20 : 6 << 20;

    /// <summary>Bytes beside <see cref="RuntimeFootprint"/>.</summary>
    /// <param name="options">The run; its <see cref="TrainingOptions.Quality"/> is the widest at which methods are looked at.</param>
    /// <param name="compilesRule">Whether <see cref="CompilesRule"/>, of its step with the methods that were asked for.</param>
    /// <param name="compilesFourBits">Whether state of that step is stored in 4 bits, as was asked for.</param>
    public static long Bytes(TrainingOptions options, bool compilesRule, bool compilesFourBits)
    {
        if (options.Quality > MethodQuality.Exact) return options.Quality == MethodQuality.Any ? s_lookingAtAllMethods : s_lookingAtMethods;
        long bytes = (options.Activations ?? ActivationMethods.Full) != ActivationMethods.Full ? CompiledForActivations : 0;
        if (RuntimeFootprint.IsNative) return bytes;
        if ((options.Weights ?? WeightFormat.F32) != WeightFormat.F32) bytes += CompiledForWeights;
        if (compilesFourBits) bytes += CompiledForFourBits;
        return compilesRule ? bytes + CompiledForRule : bytes;
    }

    /// <summary>Whether a step's update is more than formulas.</summary>
    public static bool CompilesRule(Graph step) => step.Nodes.Any(static n => n.Pass == Pass.Update && n.Op is not (FusedElementwise or SumOfSquares));
}
