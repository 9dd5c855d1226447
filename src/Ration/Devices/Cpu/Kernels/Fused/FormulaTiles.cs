using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Ration.Devices.Cpu.Kernels;

/// <summary>
/// Runs steps of a formula over tiles of eight vectors that stay in machine registers from step to step. A step reads few operands from
/// memory, and its result is stored only where another than the next step reads it. Every operation is rounded by itself, as in the loops of
/// single operators.
/// </summary>
internal static unsafe class FormulaTiles
{
    /// <summary>Elements of a tile of the widest vectors.</summary>
    public const int MostElements = Vectors * 16;

    private const int Vectors = 8;

    // Floats, four tiles of the widest vectors: some tenths of a microsecond.
    private const int Ahead = 512;

    /// <summary>Elements of a tile; 0 where there are no vectors to hold it.</summary>
    public static nint Elements
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => LaneWidth.Is16 ? Vectors * Lanes16.Count : LaneWidth.Is8 ? Vectors * Lanes8.Count : 0;
    }

    /// <summary>Runs steps over whole tiles of a chunk.</summary>
    /// <param name="steps">What is done; operands are those of the chunk's first element.</param>
    /// <param name="length">How many steps.</param>
    /// <param name="count">Elements, in whole tiles.</param>
    public static void Run(TileStep* steps, int length, nint count)
    {
        for (nint i = 0; i < count; i += Elements)
        {
            if (LaneWidth.Is16) RunTile<Lanes16>(steps, length, i);
            else RunTile<Lanes8>(steps, length, i);
        }
    }

    // Only locals become machine registers, and only while the compiler inlines every call: it stops after some hundreds. So vectors and
    // operations are written out, and there is one way to load an operand, whatever the operation.
    private static void RunTile<T>(TileStep* steps, int length, nint first)
        where T : unmanaged, ILanes<T>
    {
        T a = default, b = default, c = default, d = default, e = default, f = default, g = default, h = default;
        T a2 = default, b2 = default, c2 = default, d2 = default, e2 = default, f2 = default, g2 = default, h2 = default;
        for (TileStep* step = steps; step < steps + length; step++)
        {
            if (step->FetchesLoaded) Prefetch(step->Loaded.At(first));
            if (step->FetchesOther) Prefetch(step->Other.At(first));
            if (step->Loaded.Address != 0) Load(step->Loaded.At(first), out a, out b, out c, out d, out e, out f, out g, out h);
            Apply(step->Before, ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h);
            if (step->Scale.Address != 0) Scale(T.Load((float*)step->Scale.Address), ref a, ref b, ref c, ref d, ref e, ref f, ref g, ref h);
            if (step->Other.Address != 0) Load(step->Other.At(first), out a2, out b2, out c2, out d2, out e2, out f2, out g2, out h2);
            if (step->OtherScale.Address != 0) Scale(T.Load((float*)step->OtherScale.Address), ref a2, ref b2, ref c2, ref d2, ref e2, ref f2, ref g2, ref h2);
            if (step->IsTurned)
            {
                (a, b, c, d, a2, b2, c2, d2) = (a2, b2, c2, d2, a, b, c, d);
                (e, f, g, h, e2, f2, g2, h2) = (e2, f2, g2, h2, e, f, g, h);
            }

            switch (step->Operation)
            {
                case TileOperation.Add:
                    (a, b, c, d) = (a + a2, b + b2, c + c2, d + d2);
                    (e, f, g, h) = (e + e2, f + f2, g + g2, h + h2);
                    break;
                case TileOperation.Subtract:
                    (a, b, c, d) = (a - a2, b - b2, c - c2, d - d2);
                    (e, f, g, h) = (e - e2, f - f2, g - g2, h - h2);
                    break;
                case TileOperation.Multiply:
                    (a, b, c, d) = (a * a2, b * b2, c * c2, d * d2);
                    (e, f, g, h) = (e * e2, f * f2, g * g2, h * h2);
                    break;
                case TileOperation.Divide:
                    (a, b, c, d) = (a / a2, b / b2, c / c2, d / d2);
                    (e, f, g, h) = (e / e2, f / f2, g / g2, h / h2);
                    break;
                case TileOperation.Minimum:
                    (a, b, c, d) = (Minimum.Do(a, a2), Minimum.Do(b, b2), Minimum.Do(c, c2), Minimum.Do(d, d2));
                    (e, f, g, h) = (Minimum.Do(e, e2), Minimum.Do(f, f2), Minimum.Do(g, g2), Minimum.Do(h, h2));
                    break;
                case TileOperation.Maximum:
                    (a, b, c, d) = (Maximum.Do(a, a2), Maximum.Do(b, b2), Maximum.Do(c, c2), Maximum.Do(d, d2));
                    (e, f, g, h) = (Maximum.Do(e, e2), Maximum.Do(f, f2), Maximum.Do(g, g2), Maximum.Do(h, h2));
                    break;
            }

            if (step->Stored.Address != 0) Store(step->Stored.At(first), a, b, c, d, e, f, g, h);
        }
    }

    // What lies so far ahead is wanted when memory has had the time to bring it; the machine itself stops looking ahead at each page's end.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(float* x)
    {
        if (!Sse.IsSupported) return;
        x += Ahead;
        Sse.Prefetch0(x);
        Sse.Prefetch0(x + 16);
        Sse.Prefetch0(x + 32);
        Sse.Prefetch0(x + 48);
        if (!LaneWidth.Is16) return;
        Sse.Prefetch0(x + 64);
        Sse.Prefetch0(x + 80);
        Sse.Prefetch0(x + 96);
        Sse.Prefetch0(x + 112);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load<T>(float* x, out T a, out T b, out T c, out T d, out T e, out T f, out T g, out T h)
        where T : unmanaged, ILanes<T>
    {
        a = T.Load(x);
        b = T.Load(x + T.Count);
        c = T.Load(x + (2 * T.Count));
        d = T.Load(x + (3 * T.Count));
        e = T.Load(x + (4 * T.Count));
        f = T.Load(x + (5 * T.Count));
        g = T.Load(x + (6 * T.Count));
        h = T.Load(x + (7 * T.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply<T>(TileFunction function, ref T a, ref T b, ref T c, ref T d, ref T e, ref T f, ref T g, ref T h)
        where T : unmanaged, ILanes<T>
    {
        switch (function)
        {
            case TileFunction.Negate:
                (a, b, c, d) = (-a, -b, -c, -d);
                (e, f, g, h) = (-e, -f, -g, -h);
                break;
            case TileFunction.Absolute:
                (a, b, c, d) = (Absolute.Do(a), Absolute.Do(b), Absolute.Do(c), Absolute.Do(d));
                (e, f, g, h) = (Absolute.Do(e), Absolute.Do(f), Absolute.Do(g), Absolute.Do(h));
                break;
            case TileFunction.Sign:
                (a, b, c, d) = (Sign.Do(a), Sign.Do(b), Sign.Do(c), Sign.Do(d));
                (e, f, g, h) = (Sign.Do(e), Sign.Do(f), Sign.Do(g), Sign.Do(h));
                break;
            case TileFunction.SquareRoot:
                (a, b, c, d) = (SquareRoot.Do(a), SquareRoot.Do(b), SquareRoot.Do(c), SquareRoot.Do(d));
                (e, f, g, h) = (SquareRoot.Do(e), SquareRoot.Do(f), SquareRoot.Do(g), SquareRoot.Do(h));
                break;
            case TileFunction.Square:
                (a, b, c, d) = (a * a, b * b, c * c, d * d);
                (e, f, g, h) = (e * e, f * f, g * g, h * h);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale<T>(T scale, ref T a, ref T b, ref T c, ref T d, ref T e, ref T f, ref T g, ref T h)
        where T : unmanaged, ILanes<T>
    {
        (a, b, c, d) = (a * scale, b * scale, c * scale, d * scale);
        (e, f, g, h) = (e * scale, f * scale, g * scale, h * scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(float* x, T a, T b, T c, T d, T e, T f, T g, T h)
        where T : unmanaged, ILanes<T>
    {
        a.Store(x);
        b.Store(x + T.Count);
        c.Store(x + (2 * T.Count));
        d.Store(x + (3 * T.Count));
        e.Store(x + (4 * T.Count));
        f.Store(x + (5 * T.Count));
        g.Store(x + (6 * T.Count));
        h.Store(x + (7 * T.Count));
    }
}
