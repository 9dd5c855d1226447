using Ration;
using Ration.Inference;
using Ration.Inference.Sampling;
using Ration.Memory;
using Ration.Planning;
using Ration.Tokenizers.ChatTemplates;

if (args.Length is 0 or > 2)
{
    Console.Error.WriteLine("usage: Chat MODEL [MEMORY]   for example: Chat models/my-model 4GiB");
    return 2;
}

try
{
    ByteSize? memory = args.Length == 2 ? ByteSize.Parse(args[1]) : null;
    using LanguageModel model = LanguageModel.Load(args[0], new LanguageModelOptions { Memory = memory });
    Console.Error.WriteLine($"{model.Configuration.Name}: {model.Context} tokens of context in {new ByteSize(model.Plan.PlannedPeakBytes)}. An empty line ends.");

    // A session leaves out the oldest turns where the context is full; model.AsChatClient() is the same model as an IChatClient.
    ChatSession session = new(model);
    session.Add(new ChatTemplateMessage("system", "You are a helpful assistant. Answer briefly."));
    TextGenerationOptions options = new() { MaxTokens = Math.Min(500, model.Context / 4), Sampling = new SamplingOptions(Temperature: 0.7f) };
    while (Read() is { Length: > 0 } question)
    {
        await foreach (TextPiece piece in session.Ask(question, options).ReadAsync()) Console.Write(piece.Text);
        Console.WriteLine();
    }

    return 0;
}
catch (Exception e) when (e is InvalidInputException or MemoryBudgetException or FormatException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

static string? Read()
{
    Console.Write("> ");
    return Console.ReadLine();
}
