using System.Runtime.InteropServices;

namespace Ration.Cli.Chat;

/// <summary>
/// Ctrl-C stops an answer while there is one; otherwise, and the second time, it ends the process as the system does by default. So does a
/// request to terminate, at any time. Where a terminal gives Ctrl-C as a key, as while a message is edited, it does not come here.
/// </summary>
internal sealed class ChatInterruption : IDisposable
{
    private readonly Lock _gate = new();
    private readonly PosixSignalRegistration _registration;
    private readonly Action _ending;
    private CancellationTokenSource? _answer;

    /// <summary>Listens from now on.</summary>
    /// <param name="ending">Done before the process ends.</param>
    public ChatInterruption(Action ending)
    {
        _ending = ending;
        _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle);
    }

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
            if (_answer is { IsCancellationRequested: false })
            {
                context.Cancel = true;
                _answer.Cancel();
                return;
            }
        }

        _ending();
    }
}
