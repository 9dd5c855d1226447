using System.Runtime.InteropServices;

namespace Ration.Cli.Chat;

/// <summary>
/// Ctrl-C stops an answer while there is one; otherwise, and the second time, it ends the process as the system does by default. So does a
/// request to terminate, at any time.
/// </summary>
internal sealed class ChatInterruption : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration _registration;
    private CancellationTokenSource? _answer;

    /// <summary>Listens from now on.</summary>
    public ChatInterruption() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);

    /// <summary>Begins an answer that Ctrl-C stops.</summary>
    public CancellationToken Begin()
    {
        lock (_gate)
        {
            _answer?.Dispose();
            _answer = new CancellationTokenSource();
            return _answer.Token;
        }
    }

    /// <summary>Ends it.</summary>
    public void End()
    {
        lock (_gate)
        {
            _answer?.Dispose();
            _answer = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _registration.Dispose();
        End();
    }

    private void Handle(PosixSignalContext context)
    {
        lock (_gate)
        {
            if (_answer is null || _answer.IsCancellationRequested) return;
            context.Cancel = true;
            _answer.Cancel();
        }
    }
}
