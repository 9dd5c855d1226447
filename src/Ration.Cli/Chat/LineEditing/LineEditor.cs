using System.Runtime.InteropServices;
using Ration.Cli.Output;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// Reads messages from a terminal and lets them be edited, over several lines: a line that ends in a backslash goes on in the next one, and
/// what is pasted stays together. Between messages nothing is echoed; what is typed meanwhile waits for the next one. However the process ends
/// or is suspended, the terminal is left as it was.
/// </summary>
internal sealed class LineEditor : IDisposable
{
    private const string Bell = "\a";
    private const string HowToEnd = "Ctrl-D or /exit ends, and so does Ctrl-C once more\r\n";
    private static readonly PosixSignal[] s_endings = [PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly Lock _gate = new();
    private readonly RawTerminal _terminal = new();
    private readonly KeyDecoder _keys;
    private readonly LineScreen _screen = new(("> ", ". "));
    private readonly InputHistory _history = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly int _longest;
    private PosixSignalRegistration? _suspension;
    private EditedText _text = new();
    private bool _isReading, _endsAtInterrupt;

    /// <summary>An editor with an empty history.</summary>
    /// <param name="longest">No text gets longer.</param>
    public LineEditor(int longest)
    {
        (_longest, _keys) = (longest, new KeyDecoder(longest));
        foreach (PosixSignal signal in s_endings) _registrations.Add(PosixSignalRegistration.Create(signal, _ => Leave()));
        if (!OperatingSystem.IsWindows())
        {
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => WhileReading(Draw)));
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGCONT, GoOn));
        }

        HandleSuspension();
    }

    /// <summary>Whether reading ended because Ctrl-C was pressed twice where nothing was written.</summary>
    public bool IsInterrupted { get; private set; }

    /// <summary>The next text; null at the end of the input.</summary>
    public string? Read()
    {
        lock (_gate)
        {
            (_text, _isReading, _endsAtInterrupt) = (new EditedText(), true, false);
            _terminal.Change(TerminalMode.Keys);
            Draw();
        }

        try
        {
            return ReadKeys();
        }
        finally
        {
            WhileReading(() => EndText(TerminalMode.Quiet));
        }
    }

    /// <summary>Leaves the terminal as it was, because the process ends.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_isReading) EndText(TerminalMode.Found);
            _terminal.Close();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A signal that is still handled by another thread either comes first or finds the terminal closed.
        lock (_gate)
        {
            _suspension?.Dispose();
            foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
            _terminal.Dispose();
        }
    }

    private string? ReadKeys()
    {
        byte[] bytes = new byte[4096];
        while (true)
        {
            lock (_gate)
            {
                bool isChanged = false;
                for (; _keys.TryTake(out KeyPress key); isChanged = true)
                {
                    if (key.Key == EditKey.Interrupt && TryDrop()) continue;
                    IsInterrupted = key.Key == EditKey.Interrupt;
                    _endsAtInterrupt = false;
                    if (IsInterrupted || (key.Key == EditKey.DeleteOrEnd && _text.Text.Length == 0)) return null;
                    if (key.Key == EditKey.Enter && TryEnter()) return _text.Text;
                    Apply(key);
                }

                if (isChanged) Draw();
            }

            int count = _terminal.Read(bytes);
            if (count == 0) return null;
            lock (_gate) _keys.Push(bytes.AsSpan(0, count));
        }
    }

    // A backslash at the end takes the line end into the text.
    private bool TryEnter()
    {
        string text = _text.Text;
        if (text.EndsWith('\\'))
        {
            _text.Replace($"{text[..^1]}\n");
            return false;
        }

        _history.Add(text);
        return true;
    }

    // Leaves what was written for a fresh line; where nothing was, says how to end, and the second time in a row does.
    private bool TryDrop()
    {
        bool isEmpty = _text.Text.Length == 0;
        if (isEmpty && _endsAtInterrupt) return false;
        Show(_screen.End);
        if (isEmpty) Log.Writer.Write(HowToEnd);
        _endsAtInterrupt = isEmpty;
        _text = new EditedText();
        _history.Add("");
        return true;
    }

    private void Apply(KeyPress key)
    {
        switch (key.Key)
        {
            case EditKey.Text or EditKey.Paste: Insert(key.Text); break;
            case EditKey.Backspace: _text.DeleteBackward(); break;
            case EditKey.Delete or EditKey.DeleteOrEnd: _text.DeleteForward(); break;
            case EditKey.Left: _text.MoveLeft(); break;
            case EditKey.Right: _text.MoveRight(); break;
            case EditKey.Up: if (!_text.MoveUp()) Recall(_history.Older(_text.Text)); break;
            case EditKey.Down: if (!_text.MoveDown()) Recall(_history.Newer()); break;
            case EditKey.Home: _text.MoveToStart(); break;
            case EditKey.End: _text.MoveToEnd(); break;
            case EditKey.WordLeft: _text.MoveWordLeft(); break;
            case EditKey.WordRight: _text.MoveWordRight(); break;
            case EditKey.DeleteToStart: _text.DeleteToStart(); break;
            case EditKey.DeleteToEnd: _text.DeleteToEnd(); break;
            case EditKey.DeleteToSpace: _text.DeleteToSpace(); break;
            case EditKey.DeleteWordBackward: _text.DeleteWordBackward(); break;
            case EditKey.DeleteWordForward: _text.DeleteWordForward(); break;
            case EditKey.ClearScreen: Show(_screen.Clear); break;
            case EditKey.Quit or EditKey.Suspend: RawTerminal.Send(key.Key); break;
        }
    }

    private void Insert(string text)
    {
        if (text.Length == 0 || text.Length > _longest - _text.Text.Length) Log.Writer.Write(Bell);
        else _text.Insert(text);
    }

    private void Recall(string? entry)
    {
        if (entry is null) Log.Writer.Write(Bell);
        else _text.Replace(entry);
    }

    private void HandleSuspension()
    {
        if (OperatingSystem.IsWindows()) return;
        _suspension = PosixSignalRegistration.Create(PosixSignal.SIGTSTP, context =>
        {
            context.Cancel = true;
            lock (_gate) Suspend();
        });
    }

    // What stops the process is what the system does by default, so the signal is not handled meanwhile. The process goes on after it.
    private void Suspend()
    {
        if (_isReading) Show(_screen.End);
        _terminal.Pause();
        _suspension?.Dispose();
        RawTerminal.Stop();
        HandleSuspension();
        Resume();
    }

    private void Draw() => Show(_screen.Draw);

    private void Show(Func<EditedText, int, int, string> draw)
    {
        (int width, int height) = RawTerminal.Size;
        Log.Writer.Write(draw(_text, width, height));
    }

    // If this were not all, the runtime would set the terminal as it found it.
    private void GoOn(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_gate) Resume();
    }

    private void Resume()
    {
        _terminal.Resume();
        if (_isReading) Draw();
    }

    private void EndText(TerminalMode mode)
    {
        Show(_screen.End);
        _terminal.Change(mode);
        _isReading = false;
    }

    private void WhileReading(Action action)
    {
        lock (_gate) if (_isReading) action();
    }
}
