namespace Ration.Tokenizers.ChatTemplates.Jinja.Tree;

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    /// <summary>The next statement follows.</summary>
    Next,

    /// <summary>The innermost loop ends.</summary>
    Break,

    /// <summary>The innermost loop goes on with its next item.</summary>
    Continue,
}

/// <summary>Something that writes, assigns or chooses.</summary>
/// <param name="line">Its line in the template, from 1.</param>
internal abstract class Statement(int line)
{
    /// <summary>Its line in the template, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>Does it.</summary>
    public abstract Flow Execute(Rendering rendering);
}
