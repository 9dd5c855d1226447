using System.Globalization;
using Ration.Cli.Output;
using Ration.Data;
using Ration.Memory;
using Ration.Tokenizers;
using Ration.Tokenizers.BytePairTraining;
using Ration.Tokenizers.HuggingFace;
using Ration.Tokenizers.PreTokenizers;

namespace Ration.Cli;

/// <summary>The tokens that a model from scratch is to read: bytes, or a vocabulary that is learnt from its data first.</summary>
/// <param name="Vocabulary">How many tokens to learn; null for bytes.</param>
internal sealed record TokenizerChoice(int? Vocabulary)
{
    private const string Training = "train:";
    private const string Splitting = "llama3";
    private const int Fewest = 257, Most = 1_000_000;

    // A word that is counted takes about a hundred bytes, and joining takes as much again.
    private const int BytesOfWord = 800, LeastWords = 50_000;

    /// <summary>Reads what was given.</summary>
    /// <exception cref="InvalidInputException">It is neither.</exception>
    public static TokenizerChoice Parse(string text)
    {
        if (text == "bytes") return new TokenizerChoice((int?)null);
        if (text.StartsWith(Training, StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(Training.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= Fewest and <= Most)
            return new TokenizerChoice(size);
        throw new InvalidInputException($"--tokenizer {text}: give bytes, or {Training}N for a vocabulary of {Fewest:N0} to {Most:N0} tokens that is learnt from the data");
    }

    /// <summary>Learns the vocabulary; where a run goes on, reads it from its folder.</summary>
    /// <param name="paths">The data.</param>
    /// <param name="output">The folder of the run, which is not read as data.</param>
    /// <param name="resume">Whether the run goes on.</param>
    /// <param name="memory">What the process may have, of which the words that are counted take a part; null for no limit.</param>
    /// <param name="cancellation">Stops it between pieces of text.</param>
    public LearntVocabulary Open(string[] paths, string? output, bool resume, ByteSize? memory, CancellationToken cancellation)
    {
        if (resume && output is not null && Directory.Exists(RunFolder.TokenizerOf(output))) return new LearntVocabulary(ModelTokenizer.Read(RunFolder.TokenizerOf(output)), null);
        PreTokenizer splitting = PreTokenizerNames.Find(Splitting) ?? throw new InvalidOperationException($"there is no pre-tokenizer {Splitting}");
        BytePairTrainer trainer = new(Vocabulary ?? Fewest, [], splitting) { MostWords = memory is { } budget ? (int)long.Clamp(budget.Bytes / BytesOfWord, LeastWords, int.MaxValue) : int.MaxValue };
        trainer.Add(TextCorpus.Open(paths, output), cancellation);
        TrainedBytePairs learnt = trainer.Train(cancellation);
        if (learnt.Tokens.Count < Vocabulary) Log.Line($"note: the text gives no more than {learnt.Tokens.Count:N0} of the {Vocabulary:N0} tokens of --tokenizer {Training}{Vocabulary}");
        return LearntVocabulary.Of(learnt, splitting);
    }
}

/// <summary>A vocabulary that was learnt.</summary>
/// <param name="Tokenizer">The tokens.</param>
/// <param name="Folder">A temporary folder that holds them; null where they lie in the run's folder already.</param>
internal sealed record LearntVocabulary(ITokenizer Tokenizer, string? Folder) : IDisposable
{
    /// <summary>Keeps a vocabulary in a temporary folder.</summary>
    public static LearntVocabulary Of(TrainedBytePairs trained, PreTokenizer splitting)
    {
        string folder = Directory.CreateTempSubdirectory("ration-").FullName;
        TokenizerJsonWriter.Write(Path.Combine(folder, TokenizerJsonWriter.FileName), trained, splitting);
        return new LearntVocabulary(ModelTokenizer.Read(folder), folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Folder is not null) Directory.Delete(Folder, recursive: true);
    }
}
