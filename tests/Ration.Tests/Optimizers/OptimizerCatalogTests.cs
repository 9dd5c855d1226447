using Ration.Optimizers;

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
}
