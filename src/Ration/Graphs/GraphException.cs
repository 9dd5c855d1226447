using System.Diagnostics;

namespace Ration.Graphs;

/// <summary>A graph was built or rewritten against its rules. The message names the op, its shapes and the line of the code that asked.</summary>
public sealed class GraphException : InvalidOperationException
{
    /// <summary>A complaint; the line of the first caller outside of the graph code is added.</summary>
    public GraphException(string message)
        : base(message + Caller())
    {
    }

    private static string Caller()
    {
        foreach (StackFrame frame in new StackTrace(fNeedFileInfo: true).GetFrames())
        {
            string? room = DiagnosticMethodInfo.Create(frame)?.DeclaringTypeName;
            if (room is null || room.StartsWith("Ration.Graphs.", StringComparison.Ordinal) || frame.GetFileName() is not { } file) continue;
            return $" (at {Path.GetFileName(file)}:{frame.GetFileLineNumber()})";
        }

        return "";
    }
}
