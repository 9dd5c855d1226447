using Ration.Optimizers;
using Ration.Tensors;

namespace Ration.Tests.Optimizers;

public sealed class OptimizerCatalogTests
{
    [Fact]
    public void Those_and_only_those_that_say_so_have_a_rank()
    {
        foreach (OptimizerEntry entry in OptimizerCatalog.All)
        {
            IOptimizer three = entry.Create(new OptimizerSettings { Rank = 3, TokensPerStep = 1024 }), five = entry.Create(new OptimizerSettings { Rank = 5, TokensPerStep = 1024 });
            Assert.True((entry.Rank != RankKind.None) != three.Equals(five), entry.Name);
        }
    }

    public static TheoryData<string> Names => [.. OptimizerCatalog.All.Select(static o => o.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_number_that_a_rule_has_is_set_by_itself(string name)
    {
        OptimizerEntry entry = OptimizerCatalog.All.Single(o => o.Name == name);
        List<IOptimizer> made = [entry.Create(new OptimizerSettings { TokensPerStep = 1024 })];
        Assert.NotEmpty(entry.Numbers);
        Assert.Distinct(entry.Numbers.Select(static n => n.Name));
        foreach (RuleNumber number in entry.Numbers)
        {
            Assert.Equal(made[0], Set(entry, number.Name, number.Usual));
            made.Add(Set(entry, number.Name, number.Usual < 1 ? 0.75 : number.Usual + 1));
            Assert.Equal(name, made[^1].Name);
            foreach (double no in (double[])[-1, double.NaN, 1e300]) Assert.Contains(number.Name,
                Assert.Throws<InvalidInputException>(() => Set(entry, number.Name, no)).Message, StringComparison.Ordinal);
        }

        // Records are equal by their numbers.
        Assert.Distinct(made);
        string complaint = Assert.Throws<InvalidInputException>(() => Set(entry, "nonsense", 1)).Message;
        Assert.All(entry.Numbers, number => Assert.Contains(number.Name, complaint, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("adamw", "beta1", 1)]
    [InlineData("adamw", "beta2", 0.99999999999)]
    [InlineData("adamw", "epsilon", 0)]
    [InlineData("adamw", "epsilon", 1e-60)]
    [InlineData("slimfit", "frozen", 1)]
    [InlineData("lisa", "layers", 0)]
    [InlineData("lisa", "period", 2.5)]
    [InlineData("lisa", "period", 1e10)]
    [InlineData("sgd-plain", "momentum", 0.5)]
    [InlineData("galore", "power-iterations", 21)]
    [InlineData("soap", "first-iterations", 1e5)]
    public void A_number_that_a_rule_cannot_use_is_refused(string name, string number, double value) =>
        Assert.Throws<InvalidInputException>(() => Set(OptimizerCatalog.All.Single(o => o.Name == name), number, value));

    [Theory]
    [MemberData(nameof(LeftToAdamW))]
    public void What_is_no_matrix_of_a_block_is_left_to_AdamW_with_the_same_numbers(string name, string parameter, int[] shape)
    {
        Dictionary<string, double> numbers = new() { ["beta1"] = 0.8, ["beta2"] = 0.9, ["epsilon"] = 1e-5, ["weight-decay"] = 0.3 };
        Shape sizes = new([.. shape.Select(static n => (long)n)]);
        double[] p = OptimizerTrial.Normal((int)sizes.Elements, 1);
        using OptimizerTrial rule = new(OptimizerCatalog.Create(name, new OptimizerSettings { Rank = Rank(name), Numbers = numbers }), p, sizes, parameter);
        using OptimizerTrial adam = new(new AdamW(0.8f, 0.9f, 1e-5f, 0.3f), p, sizes, parameter);
        for (int step = 1; step <= 3; step++)
        {
            double[] g = OptimizerTrial.Normal((int)sizes.Elements, 100 + step);
            rule.Step(g, 0.01);
            adam.Step(g, 0.01);
        }

        Assert.Equal(adam.Parameter, rule.Parameter);
        Assert.Equal(adam.StateBytes, rule.StateBytes);
        Assert.NotEqual(p, rule.Parameter);
    }

    public static TheoryData<string, string, int[]> LeftToAdamW
    {
        get
        {
            TheoryData<string, string, int[]> cases = [];
            string[] rules = ["muon", "cosmos", "fira", "frugal-columns", "frugal-random", "dct-adamw", "galore", "q-galore", "natural-galore", "grad-norm-lorp", "apollo", "apollo-mini", "compact"];
            foreach (string rule in rules)
            {
                cases.Add(rule, "embedding", [16, 24]);
                cases.Add(rule, "layers.0.norm", [24]);
                cases.Add(rule, "layers.0.mlp.experts", [2, 8, 24]);
            }

            return cases;
        }
    }

    // One that no matrix of the test is filled by.
    private static int? Rank(string name) => OptimizerCatalog.All.Single(o => o.Name == name).Rank == RankKind.None ? null : 4;

    [Fact]
    public void The_default_of_a_number_is_exact()
    {
        SlimFit rule = (SlimFit)OptimizerCatalog.Create("slimfit", new OptimizerSettings());
        Assert.Equal(0.9, rule.Frozen);
        Assert.Equal(0.95, ((SlimFit)Set(OptimizerCatalog.All.Single(static o => o.Name == "slimfit"), "frozen", 0.95)).Frozen);
    }

    private static IOptimizer Set(OptimizerEntry entry, string number, double value) =>
        entry.Create(new OptimizerSettings { TokensPerStep = 1024, Numbers = new Dictionary<string, double> { [number] = value } });
}
