using System.Runtime.InteropServices;

namespace Ration.Devices.Cpu;

/// <summary>A piece of work split into numbered items. An item's result must not depend on which worker runs it.</summary>
public interface IParallelWork
{
    /// <summary>Runs one item. <paramref name="worker"/> (0 … threads − 1) names the caller's private scratch.</summary>
    void Execute(int item, int worker);
}

/// <summary>
/// Persistent threads that run the items of one operation at a time. Idle workers spin for some microseconds, because the next
/// operation usually follows at once, and then park. Dispatch allocates nothing. The calling thread is worker 0: it takes items like the others,
/// and does not wait for a thread that the system has not let run yet, but for those that have begun.
/// </summary>
public sealed unsafe class WorkerPool : IDisposable
{
    private const int SpinsBeforeParking = 4_000;

    // A turn that nobody may join any more; the other bits count the workers in it.
    private const int Closed = int.MinValue;
    private readonly Thread[] _workers;
    private readonly object _gate = new();
    private Turn _turn;
    private delegate*<void*, int, int, void> _body;
    private void* _context;
    private int _items;
    private volatile bool _stopping;
    private volatile Exception? _failure;

    /// <summary>Starts <paramref name="threads"/> − 1 threads; the caller is the remaining one.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is less than one or more than 1,024.</exception>
    public WorkerPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, 1024);
        Threads = threads;
        _turn.Busy = Closed;
        _workers = new Thread[threads - 1];
        for (int i = 0; i < _workers.Length; i++)
        {
            int worker = i + 1;
            _workers[i] = new Thread(() => Loop(worker), maxStackSize: 512 << 10) { IsBackground = true, Name = $"Ration worker {worker}" };
            _workers[i].Start();
        }
    }

    /// <summary>How many items can run at once, the calling thread included.</summary>
    public int Threads { get; }

    /// <summary>Runs items 0 … <paramref name="items"/> − 1 and returns when all are done. Not reentrant; one caller at a time.</summary>
    /// <exception cref="InvalidOperationException">An item threw on several threads; its exception is the inner one. On one thread it comes as it is.</exception>
    public void Run<TWork>(ref TWork work, int items)
        where TWork : unmanaged, IParallelWork
    {
        if (items <= 0) return;
        fixed (TWork* context = &work)
        {
            if (items == 1 || Threads == 1)
            {
                for (int item = 0; item < items; item++) context->Execute(item, 0);
                return;
            }

            Dispatch(context, &Invoke<TWork>, items);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stopping) return;
        _stopping = true;
        Interlocked.Increment(ref _turn.Generation);
        WakeParked();
        foreach (Thread worker in _workers) worker.Join();
    }

    private static void Invoke<TWork>(void* context, int item, int worker)
        where TWork : unmanaged, IParallelWork => ((TWork*)context)->Execute(item, worker);

    private void Dispatch(void* context, delegate*<void*, int, int, void> body, int items)
    {
        ObjectDisposedException.ThrowIf(_stopping, this);
        _context = context;
        _body = body;
        _items = items;
        _turn.Next = 0;
        Volatile.Write(ref _turn.Busy, 0);
        Interlocked.Increment(ref _turn.Generation);
        WakeParked();
        RunItems(0);
        Interlocked.Or(ref _turn.Busy, Closed);
        SpinWait spin = default;
        while (Volatile.Read(ref _turn.Busy) != Closed)
        {
            if (spin.NextSpinWillYield) Thread.Yield();
            else spin.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is { } failure)
        {
            _failure = null;
            throw new InvalidOperationException($"a worker failed: {failure.Message}", failure);
        }
    }

    private void RunItems(int worker)
    {
        try
        {
            for (int item; (item = Interlocked.Increment(ref _turn.Next) - 1) < _items;) _body(_context, item, worker);
        }
#pragma warning disable CA1031 // Whatever an item throws must reach the caller, not end the process from a worker thread.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failure = exception;
            Volatile.Write(ref _turn.Next, _items);
        }
    }

    private void Loop(int worker)
    {
        int seen = 0;
        while (true)
        {
            AwaitGeneration(seen);
            seen = Volatile.Read(ref _turn.Generation);
            if (_stopping) return;
            if (!TryJoin()) continue;
            RunItems(worker);
            Interlocked.Decrement(ref _turn.Busy);
        }
    }

    // What a turn runs is read after this, so that one who comes late for a turn joins the next one whole, or none.
    private bool TryJoin()
    {
        int busy = Volatile.Read(ref _turn.Busy);
        while (busy >= 0)
        {
            int found = Interlocked.CompareExchange(ref _turn.Busy, busy + 1, busy);
            if (found == busy) return true;
            busy = found;
        }

        return false;
    }

    private void AwaitGeneration(int seen)
    {
        for (int spin = 0; spin < SpinsBeforeParking; spin++)
        {
            if (Volatile.Read(ref _turn.Generation) != seen) return;
            Thread.SpinWait(4);
        }

        // Announce first, look again, then sleep: whoever raises the generation afterwards sees the announcement, and cannot pulse
        // between the look and the sleep, because both happen inside the gate. All are woken, so that none can take another's call.
        Interlocked.Increment(ref _turn.Parked);
        lock (_gate)
        {
            while (Volatile.Read(ref _turn.Generation) == seen) Monitor.Wait(_gate);
        }

        Interlocked.Decrement(ref _turn.Parked);
    }

    private void WakeParked()
    {
        if (Volatile.Read(ref _turn.Parked) == 0) return;
        lock (_gate) Monitor.PulseAll(_gate);
    }

    // A cache line (pair) each, so that spinning readers do not slow the writers of another field.
    [StructLayout(LayoutKind.Explicit, Size = 640)]
    private struct Turn
    {
        [FieldOffset(128)] public int Generation;
        [FieldOffset(256)] public int Next;
        [FieldOffset(384)] public int Busy;
        [FieldOffset(512)] public int Parked;
    }
}
