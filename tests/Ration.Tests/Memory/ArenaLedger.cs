using Ration.Memory;

[assembly: AssemblyFixture(typeof(Ration.Tests.Memory.ArenaLedger))]

namespace Ration.Tests.Memory;

/// <summary>After the last test no native byte is held: whatever a test reserved, it gave back.</summary>
public sealed class ArenaLedger : IDisposable
{
    public void Dispose() => Assert.Equal(0, Arena.LiveBytes);
}
