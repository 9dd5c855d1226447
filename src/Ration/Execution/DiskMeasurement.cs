using System.Diagnostics;

namespace Ration.Execution;

/// <summary>Measures the disk under a folder, as checkpoints use it.</summary>
public static class DiskMeasurement
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Bytes a second of writing a file to the disk itself (flushed), and of reading it again (which a cache may serve).</summary>
    /// <param name="folder">Where; the file is removed.</param>
    /// <param name="bytes">Size of the file.</param>
    /// <param name="cancellation">Ends the measurement.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static (double WriteBytesPerSecond, double ReadBytesPerSecond) Measure(string folder, long bytes, CancellationToken cancellation = default)
    {
        string path = Path.Combine(folder, $".ration-disk-{Environment.ProcessId}");
        byte[] piece = new byte[PieceBytes];
        new Random(1).NextBytes(piece);
        try
        {
            using FileStream stream = new(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
            long start = Stopwatch.GetTimestamp();
            for (long done = 0; done < bytes; done += PieceBytes)
            {
                cancellation.ThrowIfCancellationRequested();
                stream.Write(piece);
            }

            stream.Flush(flushToDisk: true);
            double write = Stopwatch.GetElapsedTime(start).TotalSeconds;
            stream.Position = 0;
            start = Stopwatch.GetTimestamp();
            while (stream.Read(piece) > 0)
            {
            }

            return (bytes / write, bytes / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
