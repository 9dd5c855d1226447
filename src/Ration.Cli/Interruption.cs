using System.Runtime.InteropServices;

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
    public Interruption() => _registrations =
        [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];

    /// <summary>Whether nothing is done yet that would have to end in good order, so that the first signal ends the process.</summary>
    public bool EndsAtOnce { get; set; }

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
        if (EndsAtOnce) Environment.Exit(Tool.Complain(Tool.NothingChanged, ExitCode.Interrupted));
        context.Cancel = true;
        _source.Cancel();
    }
}
