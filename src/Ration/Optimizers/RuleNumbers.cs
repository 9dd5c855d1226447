using System.Globalization;

namespace Ration.Optimizers;

/// <summary>
/// Numbers of a rule that were asked for by name. A rule takes those it has (<see cref="IOptimizer.WithNumbers"/>), each with the range that it can use;
/// what it leaves was a mistake.
/// </summary>
/// <param name="asked">The numbers by name.</param>
public sealed class RuleNumbers(IReadOnlyDictionary<string, double> asked)
{
    // Below this a float has fewer digits, or becomes 0.
    private const double Least = 1.2e-38, Most = 1e9;
    private const string UnitRange = "from 0 to below 1";

    private readonly List<RuleNumber> _had = [];

    /// <summary>The numbers that the rule has, those asked for or not.</summary>
    public IReadOnlyList<RuleNumber> Had => _had;

    /// <summary>The numbers of a rule as they are.</summary>
    public static IReadOnlyList<RuleNumber> Of(IOptimizer rule)
    {
        RuleNumbers none = new(new Dictionary<string, double>());
        rule.WithNumbers(none);
        return none.Had;
    }

    /// <summary>A share or a decay: from 0 to below 1.</summary>
    /// <param name="name">In words joined by hyphens.</param>
    /// <param name="usual">What it is where it was not asked for.</param>
    /// <exception cref="InvalidInputException">It is outside.</exception>
    public float Share(string name, float usual) => (float)Take(name, usual, static n => (float)n is >= 0 and < 1, UnitRange);

    /// <inheritdoc cref="Share(string, float)"/>
    public double Share(string name, double usual) => Take(name, usual, static n => n is >= 0 and < 1, UnitRange);

    /// <summary>A part of a whole: more than 0, up to 1.</summary>
    /// <inheritdoc cref="Share(string, float)"/>
    public float Part(string name, float usual) => (float)Take(name, usual, static n => n is >= Least and <= 1, string.Create(CultureInfo.InvariantCulture, $"from {Least} to 1"));

    /// <summary>A factor by which something may grow: at least 1.</summary>
    /// <inheritdoc cref="Share(string, float)"/>
    public float AtLeastOne(string name, float usual) => (float)Take(name, usual, static n => n is >= 1 and <= Most, string.Create(CultureInfo.InvariantCulture, $"from 1 to {Most:N0}"));

    /// <summary>A factor or a threshold: more than 0.</summary>
    /// <inheritdoc cref="Share(string, float)"/>
    public float Positive(string name, float usual) => (float)Take(name, usual, static n => n is >= Least and <= Most, string.Create(CultureInfo.InvariantCulture, $"from {Least} to {Most:N0}"));

    /// <summary>A share that is taken away, or a term that may be left out: at least 0.</summary>
    /// <inheritdoc cref="Share(string, float)"/>
    public float NotNegative(string name, float usual) => (float)Take(name, usual, static n => n is >= 0 and <= Most, string.Create(CultureInfo.InvariantCulture, $"from 0 to {Most:N0}"));

    /// <summary>How many of something: a whole number from 1 on.</summary>
    /// <param name="name">In words joined by hyphens.</param>
    /// <param name="usual">What it is where it was not asked for.</param>
    /// <param name="most">The largest that can be used, where each is a part of the step's graph or takes memory.</param>
    /// <exception cref="InvalidInputException">It is outside.</exception>
    public int Count(string name, int usual, int most = int.MaxValue) =>
        (int)Take(name, usual, n => n >= 1 && n <= most && double.IsInteger(n), string.Create(CultureInfo.InvariantCulture, $"that is whole and from 1 to {most:N0}"));

    /// <summary>Refuses a number where an option has said the same.</summary>
    /// <param name="name">In words joined by hyphens.</param>
    /// <param name="option">The option.</param>
    /// <exception cref="InvalidInputException">It was asked for.</exception>
    public void RequireUnset(string name, string option)
    {
        if (asked.ContainsKey(name)) throw new InvalidInputException($"--set {name}: {option} says it already; give one of them");
    }

    /// <summary>Refuses what was not taken.</summary>
    /// <param name="rule">Name of the rule.</param>
    /// <exception cref="InvalidInputException">A name means nothing to the rule; the message lists those that do.</exception>
    public void RequireTaken(string rule)
    {
        if (asked.Keys.FirstOrDefault(name => !_had.Exists(n => n.Name == name)) is not { } other) return;
        string has = _had.Count == 0 ? "no numbers to set" : string.Join(", ", _had.Select(static n => string.Create(CultureInfo.InvariantCulture, $"{n.Name} ({(float)n.Usual})")));
        throw new InvalidInputException($"--set {other}: {rule} has no such number{Spelling.Suggestion(other, _had.Select(static n => n.Name))}; it has {has}");
    }

    private double Take(string name, double usual, Func<double, bool> isWithin, string range)
    {
        _had.Add(new RuleNumber(name, usual));
        if (!asked.TryGetValue(name, out double number)) return usual;
        return isWithin(number) ? number : throw new InvalidInputException(string.Create(CultureInfo.InvariantCulture, $"--set {name}={number}: give a number {range}"));
    }
}

/// <summary>A number of a rule that can be set.</summary>
/// <param name="Name">In words joined by hyphens.</param>
/// <param name="Usual">What it is otherwise.</param>
public sealed record RuleNumber(string Name, double Usual);
