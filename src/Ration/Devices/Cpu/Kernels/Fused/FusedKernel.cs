using System.Runtime.Intrinsics.X86;
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

    // From one register to the next, of floats: were it a divisor of a page, a processor would take loads from one for stores to another.
    private const int Pitch = Chunk + 32;

    // Of a line of the cache.
    private const int FloatsOfLine = 16;

    // Elements of one item of work: long enough that fetching it costs nothing.
    private const nint Item = 64 * Chunk;

    // A scalar lies as often as a tile has elements, so that it is an operand like any other.
    private const int ScalarCopies = FormulaTiles.MostElements;

    /// <summary>Bytes of registers for all workers.</summary>
    public static long WorkspaceBytes(ElementwiseProgram program, int threads) => (long)threads * (program.VectorRegisters + 1) * Pitch * sizeof(float);

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
        float* scalars = stackalloc float[(program.ScalarRegisters + 1) * ScalarCopies];
        ComputeScalars(program, inputs, scalars);
        ReadOnlySpan<ElementwiseInstruction> code = program.Code;
        FormulaStep* steps = stackalloc FormulaStep[code.Length];
        TileStep* tiles = stackalloc TileStep[code.Length];
        nint* fetched = stackalloc nint[2 * code.Length];
        Span<int> direct = stackalloc int[code.Length];
        FormulaPlan.FindDirectStores(code, inputs, types, destinations, destinationTypes, program.StoresLoads, direct);
        fixed (nint* input = inputs, destination = destinations)
        fixed (DType* type = types, destinationType = destinationTypes)
        {
            Work work = new()
            {
                Steps = steps,
                Length = code.Length,
                Tiles = tiles,
                Inputs = input,
                Types = type,
                Destinations = destination,
                DestinationTypes = destinationType,
                RegisterBytes = (program.VectorRegisters + 1) * Pitch * sizeof(float),
                Spare = (float*)registers + (program.VectorRegisters * Pitch),
                Elements = elements,
                Width = width,
                Stochastic = program.StochasticDestination,
                Random = random,
            };
            Prepare(program, work, direct, scalars, (float*)registers);
            work.TileCount = TilePlan.FormTiles(code, direct, steps, tiles);
            for (int n = 0; n < code.Length; n++) work.Coded += IsCoded(steps[n]) ? 1 : 0;
            work.Fetched = fetched;
            if (work.Coded > 0) work.FetchedCount = TilePlan.TakeFetches(tiles, work.TileCount, fetched);
            pool.Run(ref work, checked((int)((elements + Item - 1) / Item)));
        }
    }

    // Steps of the first worker.
    private static void Prepare(ElementwiseProgram program, in Work work, ReadOnlySpan<int> direct, float* scalars, float* registers)
    {
        ReadOnlySpan<ElementwiseInstruction> code = program.Code;
        Span<StepOperand> places = stackalloc StepOperand[program.VectorRegisters + 1];
        for (int n = 0; n < code.Length; n++)
        {
            ElementwiseInstruction i = code[n];
            FormulaStep step = new() { Instruction = i, IsDone = i.TargetIsScalar || direct[n] == FormulaPlan.Done };
            if (!i.TargetIsScalar)
            {
                bool isLoad = i.Action == ElementwiseAction.Load, isStore = i.Action == ElementwiseAction.Store;
                if (!isLoad) step.A = i.AIsScalar ? Scalar(i.A) : places[i.A];
                if (i.Action == ElementwiseAction.Binary) step.B = i.BIsScalar ? Scalar(i.B) : places[i.B];

                // A register that was loaded from F32 is read where it lies: nothing is stored before arithmetic has read it.
                bool isRead = isLoad && i.Spread == Spread.None && work.Types[i.A] == DType.F32 && !program.StoresLoads;
                step.IsDone |= isRead;
                if (!isStore)
                {
                    step.Target = isRead ? Tensor(work.Inputs[i.A]) : direct[n] >= 0 ? Tensor(work.Destinations[direct[n]]) : new StepOperand((nint)(registers + (i.Target * Pitch)), 1, 0);
                    places[i.Target] = step.Target;
                }
            }

            work.Steps[n] = step;
        }

        StepOperand Scalar(int number) => new((nint)(scalars + (number * ScalarCopies)), 0, 0);
        static StepOperand Tensor(nint address) => new(address, 1, 1);
    }

    // Whether a tensor is decoded or encoded.
    private static bool IsCoded(in FormulaStep step) => !step.IsDone && step.Instruction.Action is (ElementwiseAction.Load or ElementwiseAction.Store);

    private static void ComputeScalars(ElementwiseProgram program, ReadOnlySpan<nint> inputs, float* scalars)
    {
        foreach (ElementwiseInstruction i in program.Code)
        {
            if (!i.TargetIsScalar) continue;
            float* target = scalars + (i.Target * ScalarCopies), a = scalars + (i.A * ScalarCopies), b = scalars + (i.B * ScalarCopies);
            switch (i.Action)
            {
                case ElementwiseAction.Load: *target = *(float*)inputs[i.A]; break;
                case ElementwiseAction.Constant: *target = i.Number; break;
                case ElementwiseAction.Unary: FormulaLoops.Unary(i.Unary, a, target, 1); break;
                case ElementwiseAction.Binary: FormulaLoops.Binary(i.Binary, a, b, target, 1); break;
            }

            new Span<float>(target, ScalarCopies).Fill(*target);
        }
    }

    private struct Work : IParallelWork
    {
        public FormulaStep* Steps;
        public int Length;
        public TileStep* Tiles;
        public int TileCount;
        public nint* Fetched;
        public int FetchedCount;
        public int Coded;
        public nint* Inputs;
        public DType* Types;
        public nint* Destinations;
        public DType* DestinationTypes;
        public nint RegisterBytes;
        public float* Spare;
        public nint Elements;
        public nint Width;
        public int Stochastic;
        public RandomPlace Random;

        public readonly void Execute(int item, int worker)
        {
            FormulaStep* steps = stackalloc FormulaStep[Length];
            TileStep* tiles = stackalloc TileStep[TileCount];
            nint end = nint.Min(Elements, (item + (nint)1) * Item);
            for (int n = 0; n < Length; n++) steps[n] = Steps[n].Of(worker * RegisterBytes);
            for (int n = 0; n < TileCount; n++) tiles[n] = Tiles[n].Of(worker * RegisterBytes);
            Move(tiles, item * Item);
            for (nint start = item * Item; start < end; start += Chunk)
            {
                RunChunk(steps, tiles, start, nint.Min(Chunk, end - start), worker);
                Move(tiles, Chunk);
            }
        }

        private readonly void Move(TileStep* tiles, nint elements)
        {
            for (TileStep* tile = tiles; tile < tiles + TileCount; tile++) tile->MoveBy(elements);
        }

        private readonly void RunChunk(FormulaStep* steps, TileStep* tiles, nint start, nint count, int worker)
        {
            int coded = 0;
            for (FormulaStep* step = steps; step < steps + Length; step++)
            {
                if (step->IsDone) continue;
                if (IsCoded(*step)) Fetch(start + Chunk, coded++);
                ElementwiseInstruction* i = &step->Instruction;
                float* a = step->A.At(start, 0), target = step->Target.At(start, 0);
                switch (i->Action)
                {
                    case ElementwiseAction.Load when i->Spread != Spread.None: LoadSpread(*i, start, target, count); break;
                    case ElementwiseAction.Load: TensorCodec.Load((byte*)Inputs[i->A], Types[i->A], start, target, count); break;
                    case ElementwiseAction.Store when i->AIsScalar:
                        float* spare = (float*)((byte*)Spare + (worker * RegisterBytes));
                        new Span<float>(spare, (int)count).Fill(*a);
                        Store(spare, i->Target, start, count);
                        break;
                    case ElementwiseAction.Store: Store(a, i->Target, start, count); break;
                    default:
                        FormulaLoops.Run(step, tiles, step->Together, start, count);
                        step += step->Together - 1;
                        break;
                }
            }
        }

        // A share of the floats that the next chunk reads. They come while tensors are decoded and encoded; all at once, in tiles, they would be waited for.
        private readonly void Fetch(nint start, int part)
        {
            if (!Sse.IsSupported) return;
            for (int n = 0; n < FetchedCount; n++)
            {
                float* tensor = (float*)Fetched[n] + start;
                for (int i = Chunk * part / Coded; i < Chunk * (part + 1) / Coded; i += FloatsOfLine) Sse.Prefetch0(tensor + i);
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
