using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ration.Devices;
using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Planning;

namespace Ration.Execution;

/// <summary>
/// Binds programs that share their persistent values to the memory of a device and runs them, one at a time. Running allocates nothing, unless weights have to be read for it.
/// </summary>
public sealed class Executor : IDisposable
{
    private readonly IDevice _device;
    private readonly PersistentLayout _layout;

    /// <summary>Reserves memory for the largest of the programs.</summary>
    /// <exception cref="ArgumentException">There is no program, or they do not share one layout.</exception>
    public Executor(IDevice device, params IReadOnlyList<StepProgram> programs)
    {
        if (programs.Count == 0 || programs.Any(p => p.Layout != programs[0].Layout)) throw new ArgumentException("programs of one executor share one layout", nameof(programs));
        (_device, _layout) = (device, programs[0].Layout);
        ArenaBytes = programs.Max(static p => p.ArenaBytes);
        device.Reserve(ArenaBytes);
    }

    /// <summary>Bytes reserved.</summary>
    public long ArenaBytes { get; }

    /// <summary>Brings the weights that programs do not keep in memory; null where they keep all.</summary>
    public IWeightReader? WeightReader { get; set; }

    /// <summary>Threads of this machine that the device works with.</summary>
    public int Threads => _device.Threads;

    /// <summary>Writes an input of a program, from its first element on.</summary>
    /// <exception cref="GraphException">The program has no such input.</exception>
    /// <exception cref="ArgumentOutOfRangeException">These are more values than it has.</exception>
    public void Write<T>(StepProgram program, string input, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        _device.Write(program.OffsetOf(input, 0, bytes.Length), bytes);
    }

    /// <summary>Writes a scalar input of a program, if it has it.</summary>
    public void WriteScalar(StepProgram program, string input, float value)
    {
        if (program.Has(input)) Write<float>(program, input, new ReadOnlySpan<float>(in value));
    }

    /// <summary>Reads an input or output of a program.</summary>
    /// <exception cref="GraphException">The program has none of this name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It has fewer values.</exception>
    public void Read<T>(StepProgram program, string output, Span<T> values)
        where T : unmanaged => Read(program, output, 0, values);

    /// <summary>Reads part of an input or output of a program, from element <paramref name="first"/>.</summary>
    /// <inheritdoc cref="Read{T}(StepProgram, string, Span{T})"/>
    public void Read<T>(StepProgram program, string output, long first, Span<T> values)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(values);
        _device.Read(program.OffsetOf(output, first * Unsafe.SizeOf<T>(), bytes.Length), bytes);
    }

    /// <summary>Reads a scalar output of a program.</summary>
    public float ReadScalar(StepProgram program, string output)
    {
        float value = 0;
        Read(program, output, new Span<float>(ref value));
        return value;
    }

    /// <summary>Writes part of a persistent value, from byte <paramref name="start"/>.</summary>
    public void WritePersistent(Value value, long start, ReadOnlySpan<byte> bytes) => _device.Write(Checked(value, start, bytes.Length), bytes);

    /// <summary>Reads part of a persistent value, from byte <paramref name="start"/>.</summary>
    public void ReadPersistent(Value value, long start, Span<byte> bytes) => _device.Read(Checked(value, start, bytes.Length), bytes);

    /// <summary>Reads persistent scalars.</summary>
    /// <param name="values">F32 scalars.</param>
    /// <param name="numbers">Overwritten: one for each.</param>
    public void ReadScalars(IReadOnlyList<Value> values, Span<float> numbers)
    {
        for (int i = 0; i < values.Count; i++) ReadPersistent(values[i], 0, MemoryMarshal.AsBytes(numbers.Slice(i, 1)));
    }

    /// <summary>Sets every byte of a persistent value to zero.</summary>
    public void Clear(Value value)
    {
        Span<byte> zeros = stackalloc byte[4096];
        zeros.Clear();
        for (long start = 0; start < value.Bytes; start += zeros.Length) WritePersistent(value, start, zeros[..(int)Math.Min(zeros.Length, value.Bytes - start)]);
    }

    /// <summary>Runs the instructions of one phase.</summary>
    public void Run(StepProgram program, Phase phase)
    {
        IReadOnlyList<Instruction> instructions = program.Instructions;
        for (int i = 0; i < instructions.Count; i++)
        {
            Instruction instruction = instructions[i];
            if (instruction.Node.Phase != phase || !Runs(instruction)) continue;
            if (instruction.Node.Op is ReadWeight) ReadWeight(instruction);
            else _device.Run(instruction);
        }

        _device.Wait();
    }

    /// <inheritdoc/>
    public void Dispose() => _device.Dispose();

    private void ReadWeight(Instruction instruction)
    {
        if (WeightReader is not { } reader) throw new InvalidOperationException($"nothing brings {instruction.Node.Output}, which is not kept in memory");
        long offset = instruction.Outputs[0];
        reader.Read(instruction.Node.Output, (start, bytes) => _device.Write(offset + start, bytes));
    }

    private bool Runs(Instruction instruction)
    {
        for (int i = 0; i < instruction.Conditions.Count; i++)
        {
            (long scalar, NumberRange? range) = instruction.Conditions[i];
            float value = 0;
            _device.Read(scalar, MemoryMarshal.AsBytes(new Span<float>(ref value)));
            if (range is { } numbers ? value < numbers.Least || value > numbers.Greatest : value == 0) return false;
        }

        return true;
    }

    private long Checked(Value value, long start, long bytes)
    {
        if (start < 0 || bytes > value.Bytes - start) throw new ArgumentOutOfRangeException(nameof(start), $"{bytes} bytes at {start} leave {value}");
        return _layout.OffsetOf(value) + start;
    }
}
