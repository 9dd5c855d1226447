using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Optimizers;

/// <summary>
/// SOAP (Vyas et al. 2024, algorithms 3 and 4): Adam in the eigenbasis of Shampoo's preconditioners L, the mean of GGᵀ, and R, the mean of
/// GᵀG. Each basis is renewed every so many steps by one power iteration and a QR factorization. A side longer than
/// <see cref="MaximumSide"/>, and the vocabulary of a table or head whatever its length, keeps its own coordinates (the paper's one-sided
/// form). State of a matrix m × n: 2·m·n + 2·m² + 2·n². What is not a matrix is updated by AdamW, and so are stacks of experts' matrices.
/// As in the reference code the first step only begins the preconditioners, but weights decay in it here; the first bases are found by iterations where
/// that code calls an eigensolver.
/// </summary>
/// <param name="Beta1">Decay of the mean of gradients, in [0, 1).</param>
/// <param name="Beta2">Decay of the mean of squared gradients and of the preconditioners, in [0, 1).</param>
/// <param name="Epsilon">Added to the root of the second mean.</param>
/// <param name="WeightDecay">Share of a weight lost per step and unit of learning rate.</param>
/// <param name="Period">f: steps from one renewal of the bases to the next, at least 1.</param>
/// <param name="MaximumSide">The longest side that is preconditioned.</param>
/// <param name="FirstIterations">Power iterations for the first basis, at least 1, beside the one of every renewal.</param>
public sealed record Soap(
    float Beta1 = 0.95f, float Beta2 = 0.95f, float Epsilon = 1e-8f, float WeightDecay = 0.01f, int Period = 10, int MaximumSide = 10_000,
    int FirstIterations = 10) : IOptimizer
{
    /// <inheritdoc/>
    public string Name => "soap";

    /// <inheritdoc/>
    public IOptimizer WithNumbers(RuleNumbers numbers) => this with
    {
        Period = numbers.Count("period", Period),
        MaximumSide = numbers.Count("maximum-side", MaximumSide),
        FirstIterations = numbers.Count("first-iterations", FirstIterations, most: 20),
        Beta1 = numbers.Share("beta1", Beta1),
        Beta2 = numbers.Share("beta2", Beta2),
        Epsilon = numbers.Positive("epsilon", Epsilon),
        WeightDecay = numbers.NotNegative("weight-decay", WeightDecay),
    };

    /// <inheritdoc/>
    public void Update(UpdateBuilder u)
    {
        bool isMatrix = u.Shape.Rank == 2, hasLeft = u.IsHiddenMatrix && u.Shape[0] <= MaximumSide, hasRight = isMatrix && u.Shape[1] <= MaximumSide;
        if (!hasLeft && !hasRight)
        {
            new AdamW(Beta1, Beta2, Epsilon, WeightDecay).Update(u);
            return;
        }

        Value gradient = u.GradientTensor;
        Load? left = hasLeft ? u.State("left_basis", new Shape(u.Shape[0], u.Shape[0])) : null;
        Load? right = hasRight ? u.State("right_basis", new Shape(u.Shape[1], u.Shape[1])) : null;
        Load direction = new(Turn(u, Direction(u, gradient, left, right), left, right, back: true));
        u.Assign(u.Parameter, u.Decayed(WeightDecay) - (u.LearningRate * direction));
        if (left is not null) Renew(u, left, "left_preconditioner", u.MatMul(gradient, gradient, transposeB: true, name: "left_gram"));
        if (right is not null) Renew(u, right, "right_preconditioner", u.MatMul(gradient, gradient, transposeA: true, name: "right_gram"));
    }

    // Adam of the turned gradient, in turned coordinates. Bases are zero in the first step, and so is what they turn.
    private Value Direction(UpdateBuilder u, Value gradient, Load? left, Load? right)
    {
        (double beta1, double beta2) = (Beta1, Beta2);
        Load first = u.State("first_moment"), second = u.State("second_moment", nonNegative: true);
        u.AssignNow(first, Expression.Lerp(first, new Load(gradient), u.Scalar("soap.meanWeight", step => step.Number == 1 ? 0 : 1 - beta1)));
        Load turned = new(Turn(u, gradient, left, right, back: false)), mean = new(Turn(u, first.Value, left, right, back: false));
        Expression square = Expression.Lerp(second, turned * turned, 1 - Beta2);
        Load meanScale = u.Scalar("soap.meanScale", step => 1 / (1 - Math.Pow(beta1, Age(step))));
        Load rootScale = u.Scalar("soap.rootScale", step => 1 / Math.Sqrt(1 - Math.Pow(beta2, Age(step))));
        return u.Tensor("direction", mean * meanScale / ((Expression.SquareRoot(square) * rootScale) + Epsilon), (second, square));

        static long Age(StepState step) => Math.Max(1, step.Number - 1);
    }

    // QLᵀ·x·QR, or QL·x·QRᵀ back.
    private static Value Turn(UpdateBuilder u, Value x, Load? left, Load? right, bool back)
    {
        if (left is not null) x = u.MatMul(left.Value, x, transposeA: !back, name: "turned");
        return right is null ? x : u.MatMul(x, right.Value, transposeB: back, name: "turned");
    }

    private void Renew(UpdateBuilder u, Load basis, string name, Value gram)
    {
        Load preconditioner = u.State(name, gram.Shape);
        u.AssignNow(preconditioner, Expression.Lerp(preconditioner, new Load(gram), 1 - Beta2));
        using (u.AtFirst())
        {
            u.AssignNow(basis, new Load(u.Graph.Orthonormalize(preconditioner.Value)));
            for (int i = 1; i < FirstIterations; i++) Iterate();
        }

        using (u.Every(Period)) Iterate();

        void Iterate() => u.AssignNow(basis, new Load(u.Graph.Orthonormalize(u.MatMul(preconditioner.Value, basis.Value, name: "iterated"))));
    }
}
