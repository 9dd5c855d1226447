using Ration.Tensors;
using Ration.Tensors.Formats;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>Copies, fills and conversions of whole tensors.</summary>
internal static unsafe class StorageKernel
{
    private const int Chunk = 1024;

    /// <summary>Converts between F32, BF16 and F16 as <see cref="TensorCodec"/> does. The tensors must not overlap.</summary>
    /// <exception cref="NotSupportedException">A type is another one.</exception>
    public static void Cast(WorkerPool pool, void* source, DType sourceType, void* target, DType targetType, nint elements)
    {
        if (!sourceType.IsFloating() || !targetType.IsFloating())
            throw new NotSupportedException($"no conversion from {sourceType} to {targetType}");
        CastWork work = new()
        {
            Source = (nint)source,
            Target = (nint)target,
            SourceType = sourceType,
            TargetType = targetType,
            Elements = elements,
        };
        pool.Run(ref work, ElementwiseKernel.Items(elements));
    }

    /// <summary>Sets every element.</summary>
    public static void Fill(WorkerPool pool, float* target /*[elements] overwritten*/, float value, nint elements)
    {
        FillWork work = new() { Target = target, Value = value, Elements = elements };
        pool.Run(ref work, ElementwiseKernel.Items(elements));
    }

    /// <summary>Copies every element; the tensors must not overlap.</summary>
    public static void Copy(WorkerPool pool, float* source /*[elements]*/, float* target /*[elements] overwritten*/, nint elements) =>
        Cast(pool, source, DType.F32, target, DType.F32, elements);

    private struct CastWork : IParallelWork
    {
        public nint Source;
        public nint Target;
        public nint Elements;
        public DType SourceType;
        public DType TargetType;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * ElementwiseKernel.Block, end = nint.Min(Elements, start + ElementwiseKernel.Block);
            if (TargetType == DType.F32)
            {
                TensorCodec.Load((byte*)Source, SourceType, start, (float*)Target + start, end - start);
                return;
            }

            if (SourceType == DType.F32)
            {
                TensorCodec.Store((float*)Source + start, (byte*)Target, TargetType, start, end - start);
                return;
            }

            float* chunk = stackalloc float[Chunk];
            for (; start < end; start += Chunk)
            {
                TensorCodec.Load((byte*)Source, SourceType, start, chunk, nint.Min(Chunk, end - start));
                TensorCodec.Store(chunk, (byte*)Target, TargetType, start, nint.Min(Chunk, end - start));
            }
        }
    }

    private struct FillWork : IParallelWork
    {
        public float* Target;
        public nint Elements;
        public float Value;

        public readonly void Execute(int item, int worker)
        {
            nint start = item * ElementwiseKernel.Block;
            new Span<float>(Target + start, (int)nint.Min(ElementwiseKernel.Block, Elements - start)).Fill(Value);
        }
    }
}
