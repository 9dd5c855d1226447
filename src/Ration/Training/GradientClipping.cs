using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Training;

/// <summary>What of the gradient is held to the limit by clipping.</summary>
public enum ClipScope
{
    /// <summary>The norm of each parameter by itself: needs no other gradient, so it works with gradient release and is the default.</summary>
    Parameter,

    /// <summary>The norm of all parameters together (Pascanu et al. 2013): every gradient must be held until the last is known.</summary>
    Global,

    /// <summary>
    /// As <see cref="Global"/>, without holding gradients (Lv et al. 2023, LOMO): a first backward pass only measures the norm, a second one
    /// computes every gradient again, for its update. Where micro-batches are asked for, their sums hold every gradient, and one pass does.
    /// </summary>
    TwoPass,

    /// <summary>Each element: cut off at plus and minus the limit.</summary>
    Value,
}

/// <summary>Facts about <see cref="ClipScope"/>.</summary>
public static class ClipScopeExtensions
{
    /// <summary>The word for it on the command line and in files.</summary>
    public static string Name(this ClipScope scope) => scope switch
    {
        ClipScope.Parameter => "parameter",
        ClipScope.Global => "global",
        ClipScope.TwoPass => "two-pass",
        ClipScope.Value => "value",
        _ => throw new ArgumentOutOfRangeException(nameof(scope), scope, "unknown scope of clipping"),
    };
}

/// <summary>Clips the gradients of a training step.</summary>
internal static class GradientClipping
{
    /// <summary>The square of the norm of all gradients, added up in the order of the parameters.</summary>
    /// <param name="builder">Receives the nodes.</param>
    /// <param name="complete">Parameters with their gradients.</param>
    public static Value SquaredNorm(GraphBuilder builder, IReadOnlyList<(Value Parameter, Value Gradient)> complete)
    {
        // Each square has a scope of its own, so that release can put it where its gradient is complete.
        List<Value> squares = [];
        foreach ((Value parameter, Value gradient) in complete)
        {
            using IDisposable scope = builder.Scope("norm." + parameter.Name);
            squares.Add(builder.SumOfSquares(gradient, "square." + parameter.Name));
        }

        using IDisposable sum = builder.Scope("clip");
        return squares.Aggregate((total, square) => builder.Add(total, square, "squares", MemoryKind.Workspace));
    }

    /// <summary>A gradient, held to the limit.</summary>
    /// <param name="builder">Receives the nodes.</param>
    /// <param name="step">Asks for the limit.</param>
    /// <param name="name">Name of the parameter.</param>
    /// <param name="gradient">Its complete gradient.</param>
    /// <param name="total">The square of the norm of all gradients, where the scope asks for it.</param>
    public static Expression Clip(GraphBuilder builder, TrainingStep step, string name, Value gradient, Value? total)
    {
        Load whole = new(gradient);
        if (step.ClipNorm == 0) return whole;
        if (step.ClipScope == ClipScope.Value) return Expression.Maximum(-step.ClipNorm, Expression.Minimum(step.ClipNorm, whole));
        return whole * Factor(total ?? builder.SumOfSquares(gradient, "square." + name), step.ClipNorm);
    }

    // min(1, limit / norm); the small number keeps a zero gradient from dividing zero by zero.
    private static Expression Factor(Value sumOfSquares, float limit) =>
        Expression.Minimum(1f, limit / (Expression.SquareRoot(new Load(sumOfSquares)) + 1e-12f));
}
