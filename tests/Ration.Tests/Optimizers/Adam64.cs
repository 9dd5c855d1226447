namespace Ration.Tests.Optimizers;

/// <summary>Adam's moments of a matrix in double precision.</summary>
internal sealed class Adam64(int rows, int columns, double beta1, double beta2, double epsilon)
{
    private int _age;

    public Matrix64 First { get; private set; } = new(rows, columns);

    public Matrix64 Second { get; private set; } = new(rows, columns);

    /// <summary>m̂/(√v̂ + ε) after one more gradient.</summary>
    public Matrix64 Direction(Matrix64 gradient)
    {
        _age++;
        First = (beta1 * First) + ((1 - beta1) * gradient);
        Second = (beta2 * Second) + ((1 - beta2) * gradient.Map(static g => g * g));
        double first = 1 - Math.Pow(beta1, _age), second = 1 - Math.Pow(beta2, _age);
        return First.Zip(Second, (m, v) => m / first / (Math.Sqrt(v / second) + epsilon));
    }

    /// <summary>Begins at zero again.</summary>
    public void Reset() => (_age, First, Second) = (0, new(rows, columns), new(rows, columns));
}
