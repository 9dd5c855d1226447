using System.Globalization;
using System.Runtime.InteropServices;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Files;
using Ration.Memory;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Cli;

/// <summary>The tokens of some paths, ready to be cut into rows.</summary>
internal sealed class TrainingData : IDisposable
{
    // More lies in a file: then the memory of a run does not grow with its data.
    private static readonly ByteSize s_memoryLimit = new(512 << 10);

    // Seen with vocabularies of 512 to 32,000 words.
    private const long VocabularyBytes = 4 << 20;

    private const int MostNamed = 3;

    // The list of files is not kept: of many, it would be larger than a small model.
    private TrainingData(TextCorpus corpus, TokenStore tokens) => (Files, Skipped, Tokens) = (corpus.Documents.Count, corpus.Skipped, tokens);

    /// <summary>How many files there are.</summary>
    public int Files { get; }

    /// <summary>What was left out.</summary>
    public SkippedFiles Skipped { get; }

    /// <summary>Their tokens.</summary>
    public TokenStore Tokens { get; }

    /// <summary>Reads and encodes everything under some paths.</summary>
    /// <param name="paths">Files and folders.</param>
    /// <param name="tokenizer">Makes the tokens.</param>
    /// <param name="output">A folder that is there and is not read, and in which a temporary file may lie; null for none.</param>
    /// <param name="cancellation">Stops it.</param>
    public static TrainingData Open(string[] paths, ITokenizer tokenizer, string? output, CancellationToken cancellation)
    {
        if (output is not null && paths.Any(path => path.Length > 0 && Full(path) == Full(output)))
            throw new InvalidInputException($"--output {output} is also read as --data; name another folder to write to");
        TextCorpus corpus = TextCorpus.Open(paths, output);
        return new TrainingData(corpus, TokenStore.Create(corpus, tokenizer, s_memoryLimit, output, cancellation));
    }

    /// <summary>Refuses to resume a run on other data than its own, and names the files that are newer than its checkpoint.</summary>
    /// <param name="paths">Files and folders that these tokens are of.</param>
    /// <param name="output">The folder of the run.</param>
    /// <exception cref="InvalidInputException">There is no checkpoint, or the data are others.</exception>
    public void RequireThoseOf(string[] paths, string output)
    {
        CheckpointHeader header = TrainingCheckpoint.ReadHeader(output);
        if (header.DataFingerprint == Fingerprint()) return;
        DateTime saved = File.GetLastWriteTimeUtc(Path.Combine(output, TrainingCheckpoint.FileName));
        string[] newer = [.. TextCorpus.Open(paths, output).Documents.Select(static d => d.Path).Where(path => File.GetLastWriteTimeUtc(path) > saved)];
        string hint = newer.Length == 0 ? "" : $"; newer than the checkpoint: {string.Join(", ", newer.Take(MostNamed))}{(newer.Length > MostNamed ? $" and {newer.Length - MostNamed} more" : "")}";
        TrainingCheckpoint.RequireSameData(header, output, Fingerprint(), hint, InWords);
    }

    // What names data is compared to the letter, so that there its numbers stay as they are.
    private static string InWords(string fingerprint)
    {
        string[] parts = fingerprint.Split([" tokens in ", " documents"], StringSplitOptions.None);
        return parts.Length == 3 && long.TryParse(parts[0], CultureInfo.InvariantCulture, out long tokens) && long.TryParse(parts[1], CultureInfo.InvariantCulture, out long documents)
            ? $"{Counted.Of(tokens, "token")} in {Counted.Of(documents, "document")}{parts[2]}"
            : fingerprint;
    }

    private static long BytesOfWords(int? words) => words is { } count ? VocabularyBytes + TokenizerExtensions.HostBytes(count) : 0;

    private static string Full(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    /// <summary>Memory of a run that its data takes: the tokens, and for a vocabulary of words its tables and the code that reads them.</summary>
    public long HostBytes(ITokenizer tokenizer) => Tokens.MemoryBytes + BytesOfWords(tokenizer is ByteTokenizer ? null : tokenizer.VocabularySize);

    /// <summary>The most that <see cref="HostBytes"/> can be.</summary>
    /// <param name="words">Tokens of a vocabulary of words; null for bytes.</param>
    public static long MostHostBytes(int? words) => s_memoryLimit.Bytes + BytesOfWords(words);

    /// <summary>Names the tokens: how many there are, and a checksum of samples from all over them.</summary>
    public string Fingerprint()
    {
        const int Samples = 256, Length = 256;
        Span<int> piece = stackalloc int[Length];
        Checksum checksum = default;
        for (int i = 0; i < Samples && Tokens.Count > 0; i++)
        {
            long start = (Tokens.Count - 1) / Samples * i;
            Span<int> part = piece[..(int)Math.Min(Length, Tokens.Count - start)];
            Tokens.Read(start, part);
            checksum.Append(MemoryMarshal.AsBytes(part));
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Tokens.Count} tokens in {Tokens.Documents} documents, checksum {checksum}");
    }

    /// <inheritdoc/>
    public void Dispose() => Tokens.Dispose();
}
