namespace Ration.Memory;

/// <summary>What a byte of the plan is for. Every value of a graph has one kind; reports are sums by kind.</summary>
public enum MemoryKind
{
    /// <summary>Model parameters.</summary>
    Weights,

    /// <summary>Gradients of parameters.</summary>
    Gradients,

    /// <summary>What an optimizer remembers between steps.</summary>
    OptimizerState,

    /// <summary>Forward results and the gradients that flow between layers.</summary>
    Activations,

    /// <summary>Keys and values of tokens already seen, in inference.</summary>
    KvCache,

    /// <summary>Token ids, targets, positions and the scalars of a step.</summary>
    Inputs,

    /// <summary>Scratch of a single operation.</summary>
    Workspace,
}
