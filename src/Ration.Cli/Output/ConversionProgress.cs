using System.Diagnostics;
using Ration.Files;
using Ration.Memory;

namespace Ration.Cli.Output;

/// <summary>Shows how far a conversion is: a line that is overwritten on a terminal, a new line every ten seconds elsewhere.</summary>
internal sealed class ConversionProgress : IProgress<ModelConversionProgress>, IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);
    private readonly StatusLine _status = new();
    private long _last = Stopwatch.GetTimestamp();

    /// <inheritdoc/>
    public void Report(ModelConversionProgress value)
    {
        if (_status.IsDue)
        {
            _status.Replace(Text(value));
        }
        else if (!StatusLine.IsTerminal && Stopwatch.GetElapsedTime(_last) >= s_interval)
        {
            _last = Stopwatch.GetTimestamp();
            Log.Line(Text(value));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _status.Dispose();

    private static string Text(ModelConversionProgress p) =>
        $"{100.0 * p.BytesDone / Math.Max(1, p.BytesTotal):0} % of {new ByteSize(p.BytesTotal)}  {Printable.Of(p.Tensor, 80)}";
}
