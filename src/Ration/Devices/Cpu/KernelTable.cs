using Ration.Graphs;

namespace Ration.Devices.Cpu;

/// <summary>Runs one instruction.</summary>
internal delegate void CpuKernel(in KernelCall call);

/// <summary>Which kernel runs which op. Kernels register here and nowhere else; a missing one is an error when a step is compiled.</summary>
internal sealed class KernelTable
{
    private readonly Dictionary<Type, (CpuKernel Run, Func<Node, int, long> Workspace)> _kernels = [];

    /// <summary>Ops that have a kernel.</summary>
    public IEnumerable<Type> Ops => _kernels.Keys;

    /// <summary>Registers the kernel of an op.</summary>
    /// <param name="run">Runs a node of this op.</param>
    /// <param name="workspaceBytes">Scratch for a node on so many threads; none if left out.</param>
    /// <exception cref="ArgumentException">The op has a kernel already.</exception>
    public void Add<TOp>(CpuKernel run, Func<Node, int, long>? workspaceBytes = null)
        where TOp : Op => _kernels.Add(typeof(TOp), (run, workspaceBytes ?? (static (_, _) => 0)));

    /// <summary>The kernel of a node.</summary>
    /// <exception cref="NotSupportedException">There is none.</exception>
    public CpuKernel this[Op op] => Find(op).Run;

    /// <summary>Scratch for a node on so many threads.</summary>
    /// <exception cref="NotSupportedException">There is no kernel for it.</exception>
    public long WorkspaceBytes(Node node, int threads) => Find(node.Op).Workspace(node, threads);

    private (CpuKernel Run, Func<Node, int, long> Workspace) Find(Op op) =>
        _kernels.TryGetValue(op.GetType(), out (CpuKernel, Func<Node, int, long>) kernel) ? kernel : throw new NotSupportedException($"the CPU has no kernel for {op.Name}");
}
