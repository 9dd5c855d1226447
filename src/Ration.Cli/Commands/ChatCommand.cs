using System.CommandLine;
using Ration.Cli.Chat;
using Ration.Cli.Output;
using Ration.Inference;
using Ration.Tokenizers.ChatTemplates;

namespace Ration.Cli.Commands;

/// <summary><c>ration chat</c>: a conversation with a model.</summary>
internal static class ChatCommand
{
    private static readonly Option<string?> s_system = OptionFactory.Word("--system", "TEXT", "A message that says how the model is to answer.");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        SamplingArguments sampling = new("as many as there is room for");
        InferenceArguments inference = new();
        GroupedCommand command = new("chat", "Talk with a model: one message a line, from the terminal or a pipe. /help lists what else can be typed; "
            + "from a pipe, a line with / that is no such command is a message.");
        command.AddGroup("Model", CommonOptions.ModelFiles, CommonOptions.BaseModel, s_system);
        sampling.AddTo(command);
        inference.AddTo(command);
        command.AddGroup("Output", CommonOptions.Json);
        command.SetAction(parsed => Run(parsed, sampling, inference));
        return command;
    }

    private static int Run(ParseResult parsed, SamplingArguments sampling, InferenceArguments inference)
    {
        TextGenerationOptions options = sampling.Read(parsed);
        using LanguageModel model = Load(parsed, inference.Read(parsed));
        InferenceArguments.TellOf(model.Plan);
        if (options.MaxTokens is { } most && most > model.Context)
            Log.Line($"note: there is room for {model.Context:N0} tokens of messages and answers together, and --max-tokens is {most:N0}; --context makes more");
        if (model.ChatTemplate is null) Log.Line("the model's files have no chat template: messages are written as ChatML");
        bool json = parsed.GetValue(CommonOptions.Json);
        TextWriter writer = json ? ChatInput.IsTerminal ? new TerminalWriter(Log.Writer) : TextWriter.Null : StandardOutput.OpenForText();
        using ChatLoop loop = new(model, parsed.GetValue(s_system), options, writer);
        bool isDone = loop.Run();
        if (json) WriteJson(loop, model.Plan, !isDone);
        return isDone ? ExitCode.Done : ExitCode.Interrupted;
    }

    private static LanguageModel Load(ParseResult parsed, LanguageModelOptions options)
    {
        using Interruption interruption = new() { AtOnce = () => Tool.EndInterrupted(parsed) };
        CommonOptions.NoteMemory(parsed);
        using LanguageModelSource source = CommonOptions.OpenLanguageModel(parsed);
        return source.Load(options);
    }

    private static void WriteJson(ChatLoop loop, GenerationPlan plan, bool isInterrupted) => StandardOutput.WriteJson(json =>
    {
        json.Objects("messages", loop.Session.Messages, static (message, value) => WriteMessage(message, value));
        json.Number("generatedTokens", loop.GeneratedTokens);
        json.Flag("interrupted", isInterrupted);
        json.Counts("otherTypes", plan.OtherWeightTypes);
        PeakMemory.Write(json, plan.BudgetBytes, plan.PlannedPeakBytes);
    });

    private static void WriteMessage(JsonObject json, ChatTemplateMessage message)
    {
        json.Text("role", message.Role);
        json.TextOrNull("content", message.Content);
    }
}
