using Microsoft.Win32.SafeHandles;
using Ration.Files;
using Ration.Tokenizers.BytePairTraining;

namespace Ration.Data;

/// <summary>Lets a trainer of vocabularies read a corpus, piece by piece.</summary>
public static class VocabularyTraining
{
    private const int PieceBytes = 1 << 20;

    /// <summary>Counts all text of a corpus. Files longer than a mebibyte are cut at the ends of lines, where there are any.</summary>
    /// <param name="trainer">Counts.</param>
    /// <param name="corpus">The text.</param>
    /// <param name="cancellation">Looked at between pieces.</param>
    /// <exception cref="InvalidInputException">A file cannot be read.</exception>
    public static void Add(this BytePairTrainer trainer, TextCorpus corpus, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(trainer);
        ArgumentNullException.ThrowIfNull(corpus);
        byte[] buffer = new byte[PieceBytes];
        foreach (TextDocument document in corpus.Documents) Add(trainer, document, buffer, cancellation);
    }

    private static void Add(BytePairTrainer trainer, TextDocument document, byte[] buffer, CancellationToken cancellation)
    {
        using SafeFileHandle handle = InputFile.Open(document.Path, out _);
        int filled = 0;
        for (long offset = 0; offset < document.Bytes;)
        {
            cancellation.ThrowIfCancellationRequested();
            int read = RandomAccess.Read(handle, buffer.AsSpan(filled, (int)Math.Min(buffer.Length - filled, document.Bytes - offset)), offset);
            if (read == 0) break;
            offset += read;
            filled += read;
            int line = offset == document.Bytes ? filled : buffer.AsSpan(0, filled).LastIndexOf((byte)'\n') + 1;
            int taken = line > 0 ? line : filled == buffer.Length ? filled : 0;
            trainer.Add(buffer.AsSpan(0, taken));
            buffer.AsSpan(taken, filled - taken).CopyTo(buffer);
            filled -= taken;
        }

        trainer.Add(buffer.AsSpan(0, filled));
    }
}
