using System.Text.Json;

namespace Ration.EndToEnd.Tests.Support;

/// <summary>One finished run for all tests that only look at it or copy it.</summary>
public sealed class TrainedModel : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly DateTime _written;

    /// <summary>Trains it.</summary>
    public TrainedModel()
    {
        Data = _folder.WriteText();
        Output = _folder["output"];
        Result = ToolRun.Run([.. TrainingJob.Arguments(Data, Output, Steps), "--json"]);
        if (Result.Code == 0) Json = Result.Json();
        _written = Directory.GetLastWriteTimeUtc(Output);
    }

    /// <summary>Steps that were trained.</summary>
    public static int Steps => 10;

    /// <summary>The text.</summary>
    public string Data { get; }

    /// <summary>What was saved.</summary>
    public string Output { get; }

    /// <summary>What the tool said, as JSON.</summary>
    public JsonElement Json { get; }

    /// <summary>What the tool said.</summary>
    internal ToolResult Result { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        // A file that came and went, such as a lock, shows too. Tests that look at the folder at the same time would see it.
        DateTime written = Directory.GetLastWriteTimeUtc(Output);
        _folder.Dispose();
        Assert.Equal(_written, written);
    }
}
