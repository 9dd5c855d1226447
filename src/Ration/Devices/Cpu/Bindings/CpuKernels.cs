namespace Ration.Devices.Cpu.Bindings;

/// <summary>Every kernel of the CPU, by plain calls: nothing is found by reflection.</summary>
internal static class CpuKernels
{
    /// <summary>The table of all kernels.</summary>
    public static KernelTable Table()
    {
        KernelTable table = new();
        MatrixBindings.AddTo(table);
        ElementwiseBindings.AddTo(table);
        NormBindings.AddTo(table);
        ActivationBindings.AddTo(table);
        TokenBindings.AddTo(table);
        AttentionBindings.AddTo(table);
        CacheBindings.AddTo(table);
        RoutingBindings.AddTo(table);
        LossBindings.AddTo(table);
        SubspaceBindings.AddTo(table);
        ColumnBindings.AddTo(table);
        SavedActivationBindings.AddTo(table);
        SamplingBindings.AddTo(table);
        MlpBindings.AddTo(table);
        return table;
    }
}
