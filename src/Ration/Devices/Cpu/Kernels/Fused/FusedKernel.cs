using Ration.Devices.Cpu.MatrixProduct;
using Ration.Graphs;
using Ration.Graphs.Elementwise;
using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Runs elementwise programs chunk by chunk: a worker's registers are a few KiB each and stay in its cache, so memory is passed once
/// however long the formula is.
/// </summary>
internal static unsafe class FusedKernel
{
    /// <summary>Elements of a register.</summary>
    public const int Chunk = 512;

    // Elements of one item of work: long enough that fetching it costs nothing.
    private const nint Item = 64 * Chunk;

    /// <summary>Bytes of registers for all workers.</summary>
    public static long WorkspaceBytes(ElementwiseProgram program, int threads) => (long)threads * (program.VectorRegisters + 1) * Chunk * sizeof(float);

    /// <summary>Runs a program over all elements.</summary>
    /// <param name="pool">The workers.</param>
    /// <param name="program">The formulas.</param>
    /// <param name="inputs">Address of each input; scalars are F32.</param>
    /// <param name="types">Storage of each input.</param>
    /// <param name="destinations">Address of each destination.</param>
    /// <param name="destinationTypes">Storage of each destination.</param>
    /// <param name="elements">Elements of a tensor.</param>
    /// <param name="width">Elements of a row.</param>
    /// <param name="random">Random numbers for the assignment that is rounded by chance, if there is one.</param>
    /// <param name="registers"><see cref="WorkspaceBytes"/> bytes.</param>
    public static void Run(
        WorkerPool pool, ElementwiseProgram program, ReadOnlySpan<nint> inputs, ReadOnlySpan<DType> types, ReadOnlySpan<nint> destinations,
        ReadOnlySpan<DType> destinationTypes, nint elements, nint width, RandomPlace random, byte* registers)
    {
        Span<float> scalars = stackalloc float[program.ScalarRegisters + 1];
        ComputeScalars(program, inputs, scalars);
        ReadOnlySpan<ElementwiseInstruction> code = program.Code;
        Span<int> direct = stackalloc int[code.Length];
        Arrange(code, inputs, types, destinations, destinationTypes, program.StoresLoads, direct);
        fixed (int* directTo = direct)
        fixed (ElementwiseInstruction* instructions = code)
        fixed (nint* input = inputs, destination = destinations)
        fixed (DType* type = types, destinationType = destinationTypes)
        fixed (float* scalar = scalars)
        {
            Work work = new()
            {
                Code = instructions,
                Length = code.Length,
                DirectTo = directTo,
                Inputs = input,
                Types = type,
                Destinations = destination,
                DestinationTypes = destinationType,
                Scalars = scalar,
                Registers = (float*)registers,
                RegistersOfWorker = (program.VectorRegisters + 1) * Chunk,
                CopyLoads = program.StoresLoads,
                Elements = elements,
                Width = width,
                Stochastic = program.StochasticDestination,
                Random = random,
            };
            pool.Run(ref work, checked((int)((elements + Item - 1) / Item)));
        }
    }

    // What an instruction is but its own action: a store that is done already, or the first of a pair that runs with the next one.
    private const int Done = -2, Paired = -3;

    // Arithmetic whose result is stored as F32 writes it to its destination at once, where nothing is read from there afterwards. For each
    // instruction, the number of that destination or −1.
    private static void Arrange(
        ReadOnlySpan<ElementwiseInstruction> code, ReadOnlySpan<nint> inputs, ReadOnlySpan<DType> types, ReadOnlySpan<nint> destinations,
        ReadOnlySpan<DType> destinationTypes, bool copyLoads, Span<int> direct)
    {
        direct.Fill(-1);
        for (int store = 0; store < code.Length; store++)
        {
            ElementwiseInstruction s = code[store];
            if (s.Action != ElementwiseAction.Store || s.AIsScalar || destinationTypes[s.Target] != DType.F32) continue;
            int source = store - 1;
            while (source >= 0 && (code[source].TargetIsScalar || code[source].Action == ElementwiseAction.Store || code[source].Target != s.A)) source--;
            if (source < 0 || code[source].Action is not (ElementwiseAction.Unary or ElementwiseAction.Binary) || direct[source] != -1) continue;
            if (!copyLoads && IsReadAfter(code, source, inputs, types, destinations[s.Target])) continue;
            (direct[source], direct[store]) = (s.Target, Done);
        }

        for (int i = 0; i < code.Length; i++)
        {
            if (direct[i] == -1 && OperationPair.IsPossible(code, i)) direct[i++] = Paired;
        }
    }

    // Whether a register that lies in the memory of a destination is an operand after an instruction.
    private static bool IsReadAfter(ReadOnlySpan<ElementwiseInstruction> code, int source, ReadOnlySpan<nint> inputs, ReadOnlySpan<DType> types, nint destination)
    {
        for (int load = 0; load < source; load++)
        {
            ElementwiseInstruction l = code[load];
            if (l.Action != ElementwiseAction.Load || l.TargetIsScalar || l.Spread != Spread.None || types[l.A] != DType.F32 || inputs[l.A] != destination) continue;
            for (int i = load + 1; i < code.Length; i++)
            {
                ElementwiseInstruction user = code[i];
                bool reads = user.Action != ElementwiseAction.Load && ((!user.AIsScalar && user.A == l.Target) || (user.Action == ElementwiseAction.Binary && !user.BIsScalar && user.B == l.Target));
                if (reads && i > source) return true;
                if (!user.TargetIsScalar && user.Action != ElementwiseAction.Store && user.Target == l.Target) break;
            }
        }

        return false;
    }

    private static void ComputeScalars(ElementwiseProgram program, ReadOnlySpan<nint> inputs, Span<float> scalars)
    {
        foreach (ElementwiseInstruction i in program.Code)
        {
            if (!i.TargetIsScalar) continue;
            fixed (float* all = scalars)
            {
                float* target = all + i.Target;
                switch (i.Action)
                {
                    case ElementwiseAction.Load: *target = *(float*)inputs[i.A]; break;
                    case ElementwiseAction.Constant: *target = i.Number; break;
                    case ElementwiseAction.Unary: Unary(i.Unary, all + i.A, target, 1); break;
                    case ElementwiseAction.Binary: Binary(i.Binary, all + i.A, all + i.B, target, 1); break;
                }
            }
        }
    }

    private static void Unary(UnaryFunction function, float* x, float* y, nint count)
    {
        switch (function)
        {
            case UnaryFunction.Negate: ElementwiseLoops.Unary<Negate>(x, y, count); break;
            case UnaryFunction.Absolute: ElementwiseLoops.Unary<Absolute>(x, y, count); break;
            case UnaryFunction.Sign: ElementwiseLoops.Unary<Sign>(x, y, count); break;
            case UnaryFunction.SquareRoot: ElementwiseLoops.Unary<SquareRoot>(x, y, count); break;
            case UnaryFunction.Reciprocal: ElementwiseLoops.Unary<Reciprocal>(x, y, count); break;
            case UnaryFunction.Exp: ElementwiseLoops.Unary<Exponential>(x, y, count); break;
            case UnaryFunction.Log: ElementwiseLoops.Unary<Logarithm>(x, y, count); break;
            case UnaryFunction.Sigmoid: ElementwiseLoops.Unary<Sigmoid>(x, y, count); break;
            case UnaryFunction.Tanh: ElementwiseLoops.Unary<HyperbolicTangent>(x, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    private static void Binary(BinaryFunction function, float* a, float* b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Add: ElementwiseLoops.Binary<Add>(a, b, y, count); break;
            case BinaryFunction.Subtract: ElementwiseLoops.Binary<Subtract>(a, b, y, count); break;
            case BinaryFunction.Multiply: ElementwiseLoops.Binary<Multiply>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.Binary<Divide>(a, b, y, count); break;
            case BinaryFunction.Minimum: ElementwiseLoops.Binary<Minimum>(a, b, y, count); break;
            case BinaryFunction.Maximum: ElementwiseLoops.Binary<Maximum>(a, b, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    private static void BinaryScalar(BinaryFunction function, float* a, float b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Add: ElementwiseLoops.BinaryScalar<Add>(a, b, y, count); break;
            case BinaryFunction.Subtract: ElementwiseLoops.BinaryScalar<Subtract>(a, b, y, count); break;
            case BinaryFunction.Multiply: ElementwiseLoops.BinaryScalar<Multiply>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.BinaryScalar<Divide>(a, b, y, count); break;
            case BinaryFunction.Minimum: ElementwiseLoops.BinaryScalar<Minimum>(a, b, y, count); break;
            case BinaryFunction.Maximum: ElementwiseLoops.BinaryScalar<Maximum>(a, b, y, count); break;
            default: throw new NotSupportedException($"no elementwise {function}");
        }
    }

    private static void ScalarBinary(BinaryFunction function, float a, float* b, float* y, nint count)
    {
        switch (function)
        {
            case BinaryFunction.Subtract: ElementwiseLoops.ScalarBinary<Subtract>(a, b, y, count); break;
            case BinaryFunction.Divide: ElementwiseLoops.ScalarBinary<Divide>(a, b, y, count); break;
            default: BinaryScalar(function, b, a, y, count); break;
        }
    }

    private struct Work : IParallelWork
    {
        public ElementwiseInstruction* Code;
        public int Length;
        public int* DirectTo;
        public nint* Inputs;
        public DType* Types;
        public nint* Destinations;
        public DType* DestinationTypes;
        public float* Scalars;
        public float* Registers;
        public nint RegistersOfWorker;
        public nint Elements;
        public nint Width;
        public bool CopyLoads;
        public int Stochastic;
        public RandomPlace Random;

        public readonly void Execute(int item, int worker)
        {
            float* registers = Registers + (worker * RegistersOfWorker);
            float** places = stackalloc float*[(int)(RegistersOfWorker / Chunk) + Length];
            nint end = nint.Min(Elements, (item + (nint)1) * Item);
            for (nint start = item * Item; start < end; start += Chunk) RunChunk(registers, places, start, nint.Min(Chunk, end - start));
        }

        // A register that was loaded from F32 is read where it lies: nothing is stored before arithmetic has read it.
        private readonly void RunChunk(float* registers, float** places, nint start, nint count)
        {
            for (ElementwiseInstruction* i = Code; i < Code + Length; i++)
            {
                int direct = DirectTo[i - Code];
                if (i->TargetIsScalar || direct is Done or Paired) continue;
                float* a = places[i->A], b = places[i->B];
                float* target = direct < 0 ? registers + ((nint)i->Target * Chunk) : (float*)Destinations[direct] + start;
                bool isPair = i > Code && DirectTo[i - Code - 1] == Paired;
                switch (i->Action)
                {
                    case ElementwiseAction.Binary when isPair: OperationPair.Run(i[-1], *i, places, Scalars, target, count); break;
                    case ElementwiseAction.Load when i->Spread != Spread.None: LoadSpread(*i, start, target, count); break;
                    case ElementwiseAction.Load when Types[i->A] == DType.F32 && !CopyLoads: target = (float*)Inputs[i->A] + start; break;
                    case ElementwiseAction.Load: TensorCodec.Load((byte*)Inputs[i->A], Types[i->A], start, target, count); break;
                    case ElementwiseAction.Unary: Unary(i->Unary, a, target, count); break;
                    case ElementwiseAction.Binary when i->AIsScalar: ScalarBinary(i->Binary, Scalars[i->A], b, target, count); break;
                    case ElementwiseAction.Binary when i->BIsScalar: BinaryScalar(i->Binary, a, Scalars[i->B], target, count); break;
                    case ElementwiseAction.Binary: Binary(i->Binary, a, b, target, count); break;
                    case ElementwiseAction.Store when i->AIsScalar:
                        float* spare = registers + RegistersOfWorker - Chunk;
                        new Span<float>(spare, (int)count).Fill(Scalars[i->A]);
                        Store(spare, i->Target, start, count);
                        break;
                    default: Store(a, i->Target, start, count); break;
                }

                if (i->Action != ElementwiseAction.Store) places[i->Target] = target;
            }
        }

        private readonly void Store(float* source, int destination, nint start, nint count)
        {
            byte* tensor = (byte*)Destinations[destination];
            DType type = DestinationTypes[destination];
            if (destination == Stochastic && type != DType.F32) StochasticStore.Store(source, tensor, type, start, count, Random.Seed, Random.Stream);
            else TensorCodec.Store(source, tensor, type, start, count);
        }

        // Row by row: a row's number is repeated, a piece of the columns' numbers is copied.
        private readonly void LoadSpread(in ElementwiseInstruction load, nint start, float* target, nint count)
        {
            byte* source = (byte*)Inputs[load.A];
            DType type = Types[load.A];
            for (nint done = 0; done < count;)
            {
                nint row = (start + done) / Width, column = (start + done) % Width, part = nint.Min(Width - column, count - done);
                if (load.Spread == Spread.Columns) TensorCodec.Load(source, type, column, target + done, part);
                else
                {
                    float number;
                    TensorCodec.Load(source, type, row, &number, 1);
                    new Span<float>(target + done, (int)part).Fill(number);
                }

                done += part;
            }
        }
    }
}
