using Ration.Tokenizers.ChatTemplates.Jinja.Values;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Library;

/// <summary>Functions by name.</summary>
internal sealed class FunctionTable
{
    private readonly Dictionary<string, Function> _functions = new(StringComparer.Ordinal);

    /// <summary>Adds a function; see <see cref="Function"/> for the signature.</summary>
    /// <param name="names">Its names, with blanks between.</param>
    /// <param name="signature">Its parameters.</param>
    /// <param name="body">What it does.</param>
    public void Add(string names, string signature, Func<Invocation, object?> body)
    {
        foreach (string name in names.Split(' ')) _functions.Add(name, new Function(name, signature, body));
    }

    /// <summary>Finds a function.</summary>
    public Function? Find(string name) => _functions.GetValueOrDefault(name);
}
