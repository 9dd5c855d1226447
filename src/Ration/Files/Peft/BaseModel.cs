namespace Ration.Files.Peft;

/// <summary>Finds the model that a low-rank adapter was trained on.</summary>
public static class BaseModel
{
    /// <summary>Whether a folder holds an adapter and no weights of its own.</summary>
    public static bool IsAdapter(string folder) => File.Exists(Path.Combine(folder, PeftConfigFile.Name))
        && !File.Exists(Path.Combine(folder, Safetensors.SafetensorsFolder.SingleName)) && !File.Exists(Path.Combine(folder, Safetensors.SafetensorsFolder.IndexName));

    /// <summary>Refuses a base that was given for what is no adapter.</summary>
    /// <exception cref="InvalidInputException">It is none.</exception>
    internal static void RequireNone(string path, string? given)
    {
        if (given is not null)
            throw new InvalidInputException($"{InvalidInputException.Quote(path)} is no adapter (a folder with {PeftConfigFile.Name}), "
                + "so it has no base model; leave out --base-model, or name the adapter");
    }

    /// <summary>The folder or file of the model: what was given, else what <c>base_model_name_or_path</c> names, if that is there as it is or beside
    /// the adapter's files.</summary>
    /// <param name="adapter">The folder of the adapter.</param>
    /// <param name="given">The model, or null to look for it.</param>
    /// <exception cref="InvalidInputException">It is not there, or is an adapter too.</exception>
    public static string Find(string adapter, string? given)
    {
        string path = given ?? Named(adapter);
        if (!Path.Exists(path)) throw new InvalidInputException($"there is no base model {InvalidInputException.Quote(path)}; give the folder or file of the model that the adapter was trained on");
        if (Directory.Exists(path) && IsAdapter(path))
            throw new InvalidInputException($"{InvalidInputException.Quote(path)} is a low-rank adapter and no base model; merge it into its own base first (ration convert) and give the result");
        return path;
    }

    private static string Named(string adapter)
    {
        string? name = PeftConfigFile.Read(adapter).BaseModel;
        if (!string.IsNullOrEmpty(name) && !name.Contains('\0', StringComparison.Ordinal))
        {
            foreach (string path in (ReadOnlySpan<string>)[Path.Combine(adapter, name), name])
            {
                if (Path.Exists(path)) return path;
            }
        }

        string missing = string.IsNullOrEmpty(name) ? "has no name in it" : $"{InvalidInputException.Quote(name)} is not on this machine";
        throw new InvalidInputException($"{InvalidInputException.Quote(adapter)} is a low-rank adapter and no whole model, and its base model {missing}; "
            + "download the model that it was trained on and give its folder or GGUF file with --base-model");
    }
}
