namespace Ration.Devices.Cpu.Kernels;

/// <summary>The least and the greatest element of each group of channels over all rows.</summary>
internal static unsafe class ActivationRanges
{
    /// <summary>Bytes of workspace for <see cref="Find"/>.</summary>
    public static long WorkspaceBytes(nint rows, nint groups) => RowBlocks.Count(rows) * 2L * groups * sizeof(float);

    /// <summary>Writes the least element of each group, then the greatest of each. There must be rows.</summary>
    public static void Find(
        WorkerPool pool, float* x /*[rows, groups · group]*/, nint rows, nint groups, nint group, float* result /*[2, groups] overwritten*/,
        byte* workspace /*WorkspaceBytes*/)
    {
        Work work = new() { X = x, Partials = (float*)workspace, Rows = rows, Groups = groups, Group = group, RowsOfItem = RowBlocks.RowsOfBlock(rows) };
        int items = RowBlocks.Count(rows);
        pool.Run(ref work, items);
        for (nint g = 0; g < groups; g++)
        {
            float least = float.PositiveInfinity, greatest = float.NegativeInfinity;
            for (nint item = 0; item < items; item++)
            {
                float* partial = work.Partials + (item * 2 * groups);
                least = MathF.Min(least, partial[g]);
                greatest = MathF.Max(greatest, partial[groups + g]);
            }

            (result[g], result[groups + g]) = (least, greatest);
        }
    }

    private struct Work : IParallelWork
    {
        public float* X;
        public float* Partials;
        public nint Rows;
        public nint Groups;
        public nint Group;
        public nint RowsOfItem;

        public readonly void Execute(int item, int worker)
        {
            float* least = Partials + (item * 2 * Groups), greatest = least + Groups;
            new Span<float>(least, (int)Groups).Fill(float.PositiveInfinity);
            new Span<float>(greatest, (int)Groups).Fill(float.NegativeInfinity);
            nint end = nint.Min(Rows, (item + (nint)1) * RowsOfItem);
            for (nint row = item * RowsOfItem; row < end; row++)
            {
                for (nint g = 0; g < Groups; g++)
                {
                    float* x = X + (((row * Groups) + g) * Group);
                    nint i = 0;
                    if (LaneWidth.Is16) i = Body<Lanes16>(x, i, ref least[g], ref greatest[g]);
                    else if (LaneWidth.Is8) i = Body<Lanes8>(x, i, ref least[g], ref greatest[g]);
                    _ = Body<Lanes1>(x, i, ref least[g], ref greatest[g]);
                }
            }
        }

        private readonly nint Body<T>(float* x, nint i, ref float least, ref float greatest)
            where T : unmanaged, ILanes<T>
        {
            if (i + T.Count > Group) return i;
            T low = T.Create(least), high = T.Create(greatest);
            for (; i + T.Count <= Group; i += T.Count) (low, high) = (T.Min(T.Load(x + i), low), T.Max(T.Load(x + i), high));
            (least, greatest) = (-T.Greatest(-low), T.Greatest(high));
            return i;
        }
    }
}
