using Ration.Files;
using Ration.Training;

namespace Ration.Cli;

/// <summary>The folder of a training run: what of it is there.</summary>
internal static class RunFolder
{
    /// <summary>Where a run keeps the tokenizer that its model is saved with.</summary>
    public static string TokenizerOf(string folder) => Path.Combine(folder, TrainingCheckpoint.TokenizerFolderName);

    /// <summary>Removes the checkpoint and what belongs to it.</summary>
    public static void DeleteCheckpoint(string folder)
    {
        File.Delete(Path.Combine(folder, TrainingCheckpoint.FileName));
        if (Directory.Exists(TokenizerOf(folder))) Directory.Delete(TokenizerOf(folder), recursive: true);
    }

    /// <summary>The checkpoint; null where there is none, or none that can be read.</summary>
    public static CheckpointHeader? FindCheckpoint(string folder)
    {
        if (!File.Exists(Path.Combine(folder, TrainingCheckpoint.FileName))) return null;
        try
        {
            return TrainingCheckpoint.ReadHeader(folder);
        }
        catch (InvalidInputException)
        {
            return null;
        }
    }

    /// <summary>Refuses a folder that holds a run but no model yet.</summary>
    /// <exception cref="InvalidInputException">It does.</exception>
    public static void RequireModel(string folder)
    {
        if (!Directory.Exists(folder) || File.Exists(Path.Combine(folder, HuggingFaceFolder.ConfigName)) || FindCheckpoint(folder) is not { } run) return;
        throw new InvalidInputException(
            $"--model {folder}: there is no model yet, but a run that stopped at step {run.StepsDone:N0} of {run.Steps:N0}; finish it with ration train --output {folder} --resume");
    }
}
