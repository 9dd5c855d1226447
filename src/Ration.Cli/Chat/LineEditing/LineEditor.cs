using System.Runtime.InteropServices;
using Ration.Cli.Output;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// Reads messages from a terminal and lets them be edited, over several lines: a line that ends in a backslash goes on in the next one, and
/// what is pasted stays together. However the process ends, the terminal is left as it was.
/// </summary>
internal sealed class LineEditor : IDisposable
{
    private const string Bell = "\a";
    private static readonly PosixSignal[] s_endings = [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    private readonly Lock _gate = new();
    private readonly RawTerminal _terminal = new();
    private readonly KeyDecoder _keys;
    private readonly LineScreen _screen = new(("> ", ". "));
    private readonly InputHistory _history = new();
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly int _longest;
    private EditedText _text = new();
    private bool _isReading;

    /// <summary>An editor with an empty history.</summary>
    /// <param name="longest">No text gets longer.</param>
    public LineEditor(int longest)
    {
        (_longest, _keys) = (longest, new KeyDecoder(longest));
        foreach (PosixSignal signal in s_endings) _registrations.Add(PosixSignalRegistration.Create(signal, _ => WhileReading(Leave)));
        if (!OperatingSystem.IsWindows()) _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => WhileReading(Draw)));
    }

    /// <summary>The next text; null at the end of the input.</summary>
    public string? Read()
    {
        lock (_gate)
        {
            (_text, _isReading) = (new EditedText(), true);
            _terminal.Enter();
            Draw();
        }

        try
        {
            return ReadKeys();
        }
        finally
        {
            WhileReading(Leave);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _terminal.Dispose();
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
                    if (key.Key == EditKey.DeleteOrEnd && _text.Text.Length == 0) return null;
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
            case EditKey.Interrupt or EditKey.Quit: RawTerminal.Send(key.Key); break;
            case EditKey.Suspend: Suspend(); break;
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

    // The process stops while it sends the signal, and goes on here.
    private void Suspend()
    {
        Show(_screen.End);
        _terminal.Restore();
        RawTerminal.Send(EditKey.Suspend);
        _terminal.Enter();
    }

    private void Draw() => Show(_screen.Draw);

    private void Show(Func<EditedText, int, int, string> draw)
    {
        (int width, int height) = RawTerminal.Size;
        Log.Writer.Write(draw(_text, width, height));
    }

    private void Leave()
    {
        Show(_screen.End);
        _terminal.Restore();
        _isReading = false;
    }

    private void WhileReading(Action action)
    {
        lock (_gate) if (_isReading) action();
    }
}
