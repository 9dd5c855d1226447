using System.Text;

namespace Ration.Cli.Chat.LineEditing;

/// <summary>
/// Makes keys of the bytes that a terminal sends: UTF-8, control characters, and the escape sequences of xterm and its kin. Bytes may come
/// in any pieces. An escape character waits for what follows it, so that Escape and a letter are the same as both at once.
/// </summary>
/// <param name="longestPaste">Of a longer paste nothing is kept.</param>
internal sealed class KeyDecoder(int longestPaste)
{
    private const char Escape = '\u001B';
    private const int LongestSequence = 32, LargestPiece = 4096;
    private const string PasteBegins = "200~", PasteEnds = "\u001B[201~";

    private readonly Decoder _decoder = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false).GetDecoder();
    private readonly char[] _characters = new char[LargestPiece + 2];
    private readonly Queue<KeyPress> _keys = new();
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _sequence = new();
    private State _state;
    private int _endsMatched;

    private enum State
    {
        Text,
        Escape,
        Control,
        Application,
        LinuxFunction,
        Paste,
    }

    /// <summary>Takes what was read.</summary>
    public void Push(ReadOnlySpan<byte> bytes)
    {
        for (int length; !bytes.IsEmpty; bytes = bytes[length..])
        {
            length = Math.Min(bytes.Length, LargestPiece);
            int count = _decoder.GetChars(bytes[..length], _characters, flush: false);
            foreach (char c in _characters.AsSpan(0, count)) Push(c);
        }

        if (_state != State.Paste) FlushText();
    }

    /// <summary>The next key that is complete.</summary>
    public bool TryTake(out KeyPress key) => _keys.TryDequeue(out key);

    private void Push(char c)
    {
        switch (_state)
        {
            case State.Paste: PushPasted(c); return;
            case State.Text when c == Escape: _state = State.Escape; return;
            case State.Text: PushTyped(c); return;
            case State.Escape: PushAfterEscape(c); return;
            case State.LinuxFunction: _state = State.Text; return;
            default: PushOfSequence(c); return;
        }
    }

    private void PushTyped(char c)
    {
        if (c is '\t' or >= ' ' and not '\u007F') _text.Append(c);
        else if (KeySequences.OfControl(c) is { } key) Emit(key);
    }

    private void PushAfterEscape(char c)
    {
        _sequence.Clear();
        _state = c switch { '[' => State.Control, 'O' => State.Application, Escape => State.Escape, _ => State.Text };
        if (_state == State.Text && KeySequences.OfMeta(c) is { } key) Emit(key);
    }

    // Parameters, then one letter or ~ that ends it. What no terminal sends is passed over.
    private void PushOfSequence(char c)
    {
        if (c is Escape or < ' ')
        {
            _state = State.Text;
            Push(c);
            return;
        }

        if (_sequence.Length < LongestSequence) _sequence.Append(c);
        if (c is < '@' or > '~') return;
        string sequence = _sequence.ToString();
        bool isControl = _state == State.Control;
        _state = !isControl ? State.Text : sequence switch { "[" => State.LinuxFunction, PasteBegins => State.Paste, _ => State.Text };
        if (_state == State.Paste) FlushText();
        else if (_state == State.Text && (isControl ? KeySequences.OfControlSequence(sequence) : KeySequences.OfLetter(c)) is { } key) Emit(key);
    }

    private void PushPasted(char c)
    {
        if (_text.Length <= longestPaste + PasteEnds.Length) _text.Append(c);
        _endsMatched = c == PasteEnds[_endsMatched] ? _endsMatched + 1 : c == Escape ? 1 : 0;
        if (_endsMatched < PasteEnds.Length) return;
        (_endsMatched, _state) = (0, State.Text);
        string text = _text.Length > longestPaste + PasteEnds.Length ? "" : _text.ToString(0, _text.Length - PasteEnds.Length);
        _text.Clear();
        _keys.Enqueue(new KeyPress(EditKey.Paste, text.ReplaceLineEndings("\n")));
    }

    private void Emit(EditKey key)
    {
        FlushText();
        _keys.Enqueue(new KeyPress(key));
    }

    private void FlushText()
    {
        if (_text.Length > 0) _keys.Enqueue(new KeyPress(EditKey.Text, _text.ToString()));
        _text.Clear();
    }
}
