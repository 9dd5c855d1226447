namespace Ration.Tokenizers.ChatTemplates.Jinja;

/// <summary>Counts the work of one rendering, so that it ends.</summary>
internal sealed class Budget
{
    private const int CharactersPerStep = 16;

    private long _steps;

    /// <summary>Counts items of lists, or evaluations.</summary>
    public void Steps(long count)
    {
        _steps += count;
        if (_steps > Limits.Steps) throw new TemplateFault($"rendering takes more than {Limits.Steps} steps");
    }

    /// <summary>Counts characters read or written.</summary>
    public void Characters(long count) => Steps(1 + (count / CharactersPerStep));

    /// <summary>Refuses a text that would be too long, before it is made; counts it otherwise.</summary>
    public void NewText(long length)
    {
        if (length > Limits.Text) throw new TemplateFault($"a text would be longer than {Limits.Text} characters");
        Characters(length);
    }
}
