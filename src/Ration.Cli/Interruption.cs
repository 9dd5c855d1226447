using System.Runtime.InteropServices;
using Ration.Cli.Output;

namespace Ration.Cli;

/// <summary>
/// Turns the first Ctrl-C, or the first request to terminate, into a cancellation that lets the work end in good order. The second ends
/// the process at once, as the system does by default.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    /// <summary>Listens from now on.</summary>
    public Interruption() => _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];

    /// <summary>What is said at the first signal, where the end takes its time; null for nothing.</summary>
    public string? Notice { get; set; }

    /// <summary>Where nothing is done yet that would have to end in good order: says so, and yields the exit code with which the first signal ends the process.</summary>
    public Func<int>? AtOnce { get; set; }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested) return;
        if (AtOnce is { } end) Environment.Exit(end());
        context.Cancel = true;
        if (Notice is { } notice) Notify(notice);
        _source.Cancel();
    }

    // Below the line of progress, behind which the terminal shows ^C.
    private static void Notify(string notice)
    {
        if (StatusLine.IsTerminal) Log.Writer.WriteLine();
        Log.Line(notice);
    }
}
