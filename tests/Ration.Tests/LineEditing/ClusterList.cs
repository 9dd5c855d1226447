using System.Globalization;
using System.Text;
using Ration.Cli.Chat.LineEditing;

namespace Ration.Tests.LineEditing;

/// <summary>An edited text as a list of its clusters, which is made anew after each change.</summary>
internal sealed class ClusterList
{
    private List<string> _clusters = [];
    private int _cursor;

    public string Text => string.Concat(_clusters);

    public int Cursor => _clusters.Take(_cursor).Sum(static c => c.Length);

    private int LineStart => LineStartBefore(_cursor);

    private int LineEnd => _clusters.FindIndex(_cursor, static c => c == "\n") is var end and >= 0 ? end : _clusters.Count;

    public void Apply(RandomEdit edit)
    {
        int count = _clusters.Count, left = Math.Max(0, _cursor - 1), right = Math.Min(count, _cursor + 1);
        switch ((EditKey)edit.Key)
        {
            case EditKey.Text: Splice(_cursor, _cursor, edit.Text); break;
            case EditKey.Backspace: Splice(left, _cursor); break;
            case EditKey.Delete: Splice(_cursor, right); break;
            case EditKey.Left: _cursor = left; break;
            case EditKey.Right: _cursor = right; break;
            case EditKey.Home: _cursor = LineStart; break;
            case EditKey.End: _cursor = LineEnd; break;
            case EditKey.WordLeft: _cursor = WordStart(IsOfWord); break;
            case EditKey.WordRight: _cursor = WordEnd(); break;
            case EditKey.DeleteToStart: Splice(LineStart == _cursor ? left : LineStart, _cursor); break;
            case EditKey.DeleteToEnd: Splice(_cursor, LineEnd == _cursor ? right : LineEnd); break;
            case EditKey.DeleteToSpace: Splice(WordStart(static c => !char.IsWhiteSpace(c, 0)), _cursor); break;
            case EditKey.DeleteWordBackward: Splice(WordStart(IsOfWord), _cursor); break;
            case EditKey.DeleteWordForward: Splice(_cursor, WordEnd()); break;
            case EditKey.Up: MoveTo(LineStartBefore(LineStart - 1), LineStart > 0); break;
            case EditKey.Down: MoveTo(LineEnd + 1, LineEnd < count); break;
            default: throw new InvalidOperationException();
        }
    }

    private static bool IsOfWord(string cluster) => cluster[0] == '_' || Rune.IsLetterOrDigit(Rune.GetRuneAt(cluster, 0));

    private int LineStartBefore(int cluster) => _clusters.Take(cluster).ToList().LastIndexOf("\n") + 1;

    private void MoveTo(int lineStart, bool isThere)
    {
        if (!isThere) return;
        int wanted = Cells(LineStart, _cursor);
        _cursor = lineStart;
        int end = LineEnd;
        while (_cursor < end && Cells(lineStart, _cursor + 1) <= wanted) _cursor++;
    }

    private int Cells(int start, int end) => _clusters[start..end].Sum(static c => CellWidth.OfCluster(c));

    private int WordStart(Func<string, bool> isWanted)
    {
        int at = _cursor;
        while (at > 0 && !isWanted(_clusters[at - 1])) at--;
        while (at > 0 && isWanted(_clusters[at - 1])) at--;
        return at;
    }

    private int WordEnd()
    {
        int at = _cursor;
        while (at < _clusters.Count && !IsOfWord(_clusters[at])) at++;
        while (at < _clusters.Count && IsOfWord(_clusters[at])) at++;
        return at;
    }

    private void Splice(int start, int end, string inserted = "")
    {
        string before = string.Concat(_clusters.Take(start)) + inserted, text = before + string.Concat(_clusters.Skip(end));
        int[] boundaries = [.. StringInfo.ParseCombiningCharacters(text), text.Length];
        _clusters = [.. boundaries.Zip(boundaries.Skip(1), (from, to) => text[from..to])];
        _cursor = Array.FindIndex(boundaries, b => b >= before.Length);
    }
}
