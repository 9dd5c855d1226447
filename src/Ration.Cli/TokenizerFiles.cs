namespace Ration.Cli;

/// <summary>
/// The files of the tokenizer that a run's model is saved with, where they do not go along with a model's folder: of a learnt vocabulary, or of a GGUF
/// file. They are made before the first step, while there is memory for it.
/// </summary>
internal sealed class TokenizerFiles : IDisposable
{
    private readonly bool _isTemporary;

    private TokenizerFiles(string? folder, bool isTemporary) => (Folder, _isTemporary) = (folder, isTemporary);

    /// <summary>Where they lie; null where there are none.</summary>
    public string? Folder { get; }

    /// <summary>Makes them, or finds those of a run that goes on.</summary>
    /// <param name="source">The model.</param>
    /// <param name="learnt">The vocabulary that was learnt, or null.</param>
    /// <param name="output">The folder of the run.</param>
    /// <param name="resume">Whether the run goes on.</param>
    public static TokenizerFiles Of(ModelSource source, LearntVocabulary? learnt, string output, bool resume)
    {
        string kept = RunFolder.TokenizerOf(output);
        if (learnt is not null) return new TokenizerFiles(learnt.Folder ?? kept, isTemporary: false);
        if (!source.HasTokenizerInFile) return new TokenizerFiles(null, isTemporary: false);
        if (resume && Directory.Exists(kept)) return new TokenizerFiles(kept, isTemporary: false);
        string folder = Directory.CreateTempSubdirectory("ration-").FullName;
        source.SaveTokenizer(folder);
        return new TokenizerFiles(folder, isTemporary: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isTemporary) Directory.Delete(Folder!, recursive: true);
    }
}
