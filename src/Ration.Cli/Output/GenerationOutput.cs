using Ration.Inference;

namespace Ration.Cli.Output;

/// <summary>Writes texts as they are generated.</summary>
internal static class GenerationOutput
{
    /// <summary>Writes each piece as soon as it is whole characters; false if it was interrupted.</summary>
    public static bool WriteTo(this TextGeneration generation, TextWriter writer, CancellationToken cancellation)
    {
        try
        {
            foreach (TextPiece piece in generation.Read(cancellation)) writer.Write(piece.Text);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
