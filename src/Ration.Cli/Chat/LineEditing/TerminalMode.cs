namespace Ration.Cli.Chat.LineEditing;

/// <summary>What a terminal does with what is typed.</summary>
internal enum TerminalMode
{
    /// <summary>As it was found: it mostly shows what is typed and gives whole lines.</summary>
    Found,

    /// <summary>It gives keys one by one and shows none.</summary>
    Keys,

    /// <summary>It shows nothing and keeps what is typed for later; Ctrl-C, Ctrl-\ and Ctrl-Z are signals.</summary>
    Quiet,
}
