using System.Text.Json;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>What a run of the tool came to.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="CommandLine">What was asked.</param>
internal sealed record ToolResult(int Code, string Output, string Error, string CommandLine)
{
    /// <summary>What begins every complaint.</summary>
    private const string Prefix = "ration: ";

    /// <summary>Lines of standard error.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Fails unless the tool was content.</summary>
    public ToolResult AssertDone()
    {
        Assert.True(Code == 0, $"exit code {Code}: {this}");
        Assert.DoesNotContain(ErrorLines, static line => line.StartsWith(Prefix, StringComparison.Ordinal));
        return this;
    }

    /// <summary>Fails unless standard output is exactly one JSON object.</summary>
    public JsonElement Json()
    {
        Assert.StartsWith("{", Output, StringComparison.Ordinal);
        Assert.EndsWith("}\n", Output, StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(Output);
        return document.RootElement.Clone();
    }

    /// <summary>
    /// Fails unless the tool ended with this code, wrote no result, and complained in one line, the last; log lines may come before.
    /// </summary>
    /// <returns>The complaint without what begins every complaint.</returns>
    public string AssertRefused(int code)
    {
        Assert.True(Code == code, $"exit code {Code}, not {code}: {this}");
        Assert.Equal("", Output);
        return AssertComplaint();
    }

    /// <summary>As <see cref="AssertRefused"/>, where nothing was begun: the complaint is all there is.</summary>
    public string AssertRefusedAtOnce(int code)
    {
        string complaint = AssertRefused(code);
        Assert.Single(ErrorLines);
        return complaint;
    }

    private string AssertComplaint()
    {
        string complaint = Assert.Single(ErrorLines, static line => line.StartsWith(Prefix, StringComparison.Ordinal));
        Assert.Equal(ErrorLines[^1], complaint);
        Assert.EndsWith("\n", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("defect", Error, StringComparison.Ordinal);
        Assert.True(complaint.Length > Prefix.Length + 10, $"a complaint says what, where, and how to mend it: {complaint}");
        return complaint[Prefix.Length..];
    }
}
