using Microsoft.Extensions.AI;
using Ration;
using Ration.Inference;
using Ration.Memory;
using Ration.Planning;

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

    using IChatClient client = model.AsChatClient();
    List<ChatMessage> messages = [new(ChatRole.System, "You are a helpful assistant. Answer briefly.")];
    while (Read() is { Length: > 0 } question)
    {
        messages.Add(new ChatMessage(ChatRole.User, question));
        List<ChatResponseUpdate> answer = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, new ChatOptions { Temperature = 0.7f, MaxOutputTokens = 500 }))
        {
            Console.Write(update.Text);
            answer.Add(update);
        }

        Console.WriteLine();
        messages.AddMessages(answer);
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
