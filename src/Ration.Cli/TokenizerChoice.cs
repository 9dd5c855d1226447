using System.Globalization;
using Ration.Data;
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

    /// <summary>Reads what was given.</summary>
    /// <exception cref="InvalidInputException">It is neither.</exception>
    public static TokenizerChoice Parse(string text)
    {
        if (text == "bytes") return new TokenizerChoice((int?)null);
        if (text.StartsWith(Training, StringComparison.Ordinal) && int.TryParse(text.AsSpan(Training.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int size) && size is >= Fewest and <= Most)
            return new TokenizerChoice(size);
        throw new InvalidInputException($"--tokenizer {text}: give bytes, or {Training}N for a vocabulary of {Fewest:N0} to {Most:N0} tokens that is learnt from the data");
    }

    /// <summary>Learns the vocabulary and writes it into the output folder; where a run goes on, reads it from there.</summary>
    /// <param name="paths">The data.</param>
    /// <param name="output">The folder of the run.</param>
    /// <param name="resume">Whether the run goes on.</param>
    /// <param name="cancellation">Stops it between files.</param>
    public ITokenizer Open(string[] paths, string output, bool resume, CancellationToken cancellation)
    {
        string file = Path.Combine(TrainingData.CreateFolder(output), TokenizerJsonWriter.FileName);
        if (!resume) Write(file, paths, output, cancellation);
        return ModelTokenizer.Read(output);
    }

    /// <summary>Learns the vocabulary and keeps nothing on disk.</summary>
    public ITokenizer Learn(string[] paths)
    {
        string folder = Directory.CreateTempSubdirectory("ration-").FullName;
        try
        {
            return Open(paths, folder, resume: false, CancellationToken.None);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Write(string file, string[] paths, string output, CancellationToken cancellation)
    {
        PreTokenizer splitting = PreTokenizerNames.Find(Splitting) ?? throw new InvalidOperationException($"there is no pre-tokenizer {Splitting}");
        BytePairTrainer trainer = new(Vocabulary ?? Fewest, [], splitting);
        trainer.Add(TextCorpus.Open(paths, output), cancellation);
        TrainedBytePairs trained = trainer.Train(cancellation);
        TokenizerJsonWriter.Write(file, trained, splitting);
    }
}
