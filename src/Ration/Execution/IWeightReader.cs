using Ration.Graphs;

namespace Ration.Execution;

/// <summary>Brings weights that a program reads from storage each time it needs them.</summary>
public interface IWeightReader
{
    /// <summary>Reads a whole weight as the value is stored and laid.</summary>
    /// <param name="weight">The canonical name of the parameter, its shape, storage and layout.</param>
    /// <param name="write">Takes bytes of the value from a byte on; may be called by several threads, each byte once.</param>
    /// <exception cref="InvalidInputException">The files were changed or cannot be read any more.</exception>
    void Read(Value weight, Action<long, ReadOnlySpan<byte>> write);
}
