using Ration.Cli.Output;
using Ration.Inference;
using Ration.Memory;

namespace Ration.Cli.Chat;

/// <summary>A conversation in a terminal or through pipes: reads messages, writes answers, obeys commands.</summary>
internal sealed class ChatLoop : IDisposable
{
    private const string Help = """
        /system TEXT   begin anew with this system message; without TEXT, with none
        /reset         begin anew with the same system message
        /stats         speed of the last answer, room in the context, memory
        /exit          end, as Ctrl-D does
        """;

    private readonly LanguageModel _model;
    private readonly ChatSession _session;
    private readonly TextGenerationOptions _options;
    private readonly TextWriter _writer;
    private readonly ChatInput _input = new();
    private readonly ChatInterruption _interruption;
    private GeneratedText? _last;

    /// <summary>A conversation that begins.</summary>
    /// <param name="model">The model; not disposed with this object.</param>
    /// <param name="system">The system message; null for none.</param>
    /// <param name="options">How answers are generated.</param>
    /// <param name="writer">Takes the answers.</param>
    public ChatLoop(LanguageModel model, string? system, TextGenerationOptions options, TextWriter writer)
    {
        (_model, _session, _options, _writer) = (model, new ChatSession(model), options, writer);
        _interruption = new ChatInterruption(_input.Leave);
        if (system is not null) _session.Add("system", system);
    }

    /// <summary>The conversation.</summary>
    public ChatSession Session => _session;

    /// <summary>Tokens of all answers.</summary>
    public long GeneratedTokens { get; private set; }

    /// <summary>Runs to the end of the input; false if it was interrupted.</summary>
    /// <exception cref="InvalidInputException">A message cannot be answered, and nobody is there to give another.</exception>
    public bool Run()
    {
        if (ChatInput.IsTerminal) Log.Line($"{_model.Configuration.Name}: {Counted.Of(_model.Context, "token")} of context; /help lists commands");
        while (_input.Read() is { } message)
        {
            bool? command = Obey(message);
            if (command == false) return true;
            if (command is null && !TryAnswer(message)) return false;
        }

        return !_input.IsInterrupted;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _interruption.Dispose();
        _input.Dispose();
    }

    // Null for what is no command, false for the one that ends.
    private bool? Obey(string message)
    {
        (string command, string rest) = message.IndexOf(' ', StringComparison.Ordinal) is var space and > 0 ? (message[..space], message[(space + 1)..].Trim()) : (message, "");
        switch (command)
        {
            case "/exit" or "/quit": return false;
            case "/help": Log.Line($"{Help}\n{_input.Help}"); return true;
            case "/reset": _session.Reset(); return true;
            case "/stats": Log.Line(Statistics()); return true;
            case "/system":
                _session.Reset(keepSystem: false);
                if (rest.Length > 0) _session.Add("system", rest);
                return true;
            default:
                // A person mistypes; a program means what it says.
                if (!ChatInput.IsTerminal || !command.StartsWith('/') || command.IndexOf('/', 1) > 0) return null;
                Log.Line($"there is no command {Printable.Of(command)}; /help lists them");
                return true;
        }
    }

    private bool TryAnswer(string message)
    {
        try
        {
            return Answer(message);
        }
        catch (InvalidInputException e) when (ChatInput.IsTerminal)
        {
            Log.Line(e.Message);
            return true;
        }
    }

    // Whoever types goes on after stopping an answer; a pipe ends.
    private bool Answer(string message)
    {
        TextGeneration generation;
        int forgotten;
        bool isDone;
        CancellationToken stop = _interruption.Begin();
        try
        {
            generation = _session.Ask(message, _options);
            forgotten = _session.ForgottenMessages;
            isDone = generation.WriteTo(_writer, stop);
        }
        finally
        {
            _interruption.End();
        }

        _writer.WriteLine();
        _last = generation.Result;
        GeneratedTokens += _last.Tokens.Count;
        if (!ChatInput.IsTerminal) return isDone;
        if (forgotten > 0) Log.Line(forgotten == 1 ? "(the oldest message does not fit the context any more)" : $"(the {forgotten:N0} oldest messages do not fit the context any more)");
        if (_last.Finish is FinishReason.ContextFull) Log.Line("(the answer ends here: the context is full)");
        return true;
    }

    private string Statistics()
    {
        string memory = $"{PeakMemory.Words(_model.Plan.PlannedPeakBytes)} of {new ByteSize(_model.Plan.BudgetBytes)}";
        if (_last is not { } last) return $"no answer yet; {_model.Context:N0} tokens of context; {memory}";
        return $"prompt: {Counted.Of(last.PromptTokens, "token")}, {last.CachedTokens:N0} of them known, {last.PrefillTokensPerSecond:N0}/s; "
            + $"answer: {Counted.Of(last.Tokens.Count, "token")}, {last.DecodeTokensPerSecond:N0}/s; "
            + $"context: {Math.Min(last.PromptTokens + last.Tokens.Count, _model.Context):N0} of {_model.Context:N0}; {memory}";
    }
}
