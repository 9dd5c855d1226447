using Microsoft.Extensions.AI;
using Ration.Inference;

namespace Ration.Tests.Inference.Extensions;

/// <summary>A model as others expect a chat client to be.</summary>
public sealed class ChatClientTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_response_and_its_stream_are_one()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        using IChatClient client = model.AsChatClient();
        ChatOptions options = new() { Temperature = 1.2f, TopK = 50, TopP = 0.9f, Seed = 5, MaxOutputTokens = 25, FrequencyPenalty = 0.5f, PresencePenalty = 0.2f, Instructions = "sat" };
        ChatMessage[] messages = [new(ChatRole.User, "the cat")];
        ChatResponse response = await client.GetResponseAsync(messages, options, Cancellation);
        List<ChatResponseUpdate> updates = [];
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, Cancellation)) updates.Add(update);
        ChatResponse joined = updates.ToChatResponse();
        foreach (ChatResponse one in (ChatResponse[])[response, joined])
        {
            Assert.Equal(response.Text, one.Text);
            Assert.Equal(ChatRole.Assistant, Assert.Single(one.Messages).Role);
            Assert.Equal(one.Usage!.InputTokenCount + one.Usage.OutputTokenCount, one.Usage.TotalTokenCount);
            Assert.Equal(response.Usage!.InputTokenCount, one.Usage.InputTokenCount);
            Assert.Equal(response.Usage.OutputTokenCount, one.Usage.OutputTokenCount);
            Assert.Equal(response.FinishReason, one.FinishReason);
            Assert.Equal(model.Configuration.Name, one.ModelId);
            Assert.NotNull(one.ResponseId);
            Assert.NotNull(one.CreatedAt);
        }

        Assert.Single(updates.Select(static u => u.MessageId).Distinct());
        Assert.NotEqual(response.ResponseId, joined.ResponseId);
        Assert.All(updates.SkipLast(1), static u => Assert.Null(u.FinishReason));
        int expected = Conversation.Encode(model.Text, [new("system", "sat"), new("user", "the cat")]).Length;
        Assert.Equal(expected, response.Usage!.InputTokenCount);
        Assert.Equal(expected - 1, joined.Usage!.CachedInputTokenCount);
    }

    [Fact]
    public async Task Each_end_has_its_reason()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        IChatClient client = model.AsChatClient();
        static ChatOptions Scripted(string text) => new() { RawRepresentationFactory = _ => TinyModel.ScriptBytes(text) };
        ChatResponse stopped = await client.GetResponseAsync("Hi", Scripted("Hello<|im_end|>"), Cancellation);
        Assert.Equal(("Hello", ChatFinishReason.Stop), (stopped.Text, stopped.FinishReason));
        ChatOptions shorter = Scripted("Hello");
        shorter.MaxOutputTokens = 3;
        ChatResponse cut = await client.GetResponseAsync("Hi", shorter, Cancellation);
        Assert.Equal(("Hel", ChatFinishReason.Length, 3), (cut.Text, cut.FinishReason, cut.Usage!.OutputTokenCount));
        ChatOptions stops = Scripted("Hello");
        stops.StopSequences = ["lo"];
        ChatResponse before = await client.GetResponseAsync("Hi", stops, Cancellation);
        Assert.Equal(("Hel", ChatFinishReason.Stop), (before.Text, before.FinishReason));
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_and_hints_are_passed_over()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        IChatClient client = model.AsChatClient();
        Task<ChatResponse> Ask(ChatOptions options) => client.GetResponseAsync("Hi", options, Cancellation);
        AITool tool = AIFunctionFactory.Create(static () => 1, "one");
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { Tools = [tool] }));
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { ResponseFormat = ChatResponseFormat.Json }));
        await Assert.ThrowsAsync<NotSupportedException>(() => Ask(new ChatOptions { ConversationId = "1" }));
        await Assert.ThrowsAsync<InvalidInputException>(() => Ask(new ChatOptions { Temperature = -1 }));
        ChatMessage picture = new(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync(picture, cancellationToken: Cancellation));
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.GetResponseAsync((IEnumerable<ChatMessage>)null!, cancellationToken: Cancellation));
        ChatOptions hints = new() { Tools = [tool], ToolMode = ChatToolMode.None, ResponseFormat = ChatResponseFormat.Text, ModelId = "other", MaxOutputTokens = 2, AllowMultipleToolCalls = true };
        Assert.Equal(2, (await Ask(hints)).Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task Many_may_ask_at_once_and_one_may_give_up()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        IChatClient client = model.AsChatClient();
        ChatOptions options = new() { Temperature = 1.5f, Seed = 3, MaxOutputTokens = 12 };
        string[] questions = ["the cat", "the dog", "on the mat"];
        string[] alone = new string[3];
        for (int i = 0; i < 3; i++) alone[i] = (await client.GetResponseAsync(questions[i], options, Cancellation)).Text;
        using CancellationTokenSource source = new();
        await source.CancelAsync();
        Task<ChatResponse> given = client.GetResponseAsync("the log", options, source.Token);
        ChatResponse[] together = await Task.WhenAll(questions.Select(q => client.GetResponseAsync(q, options, Cancellation)));
        Assert.Equal(alone, together.Select(static r => r.Text));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
    }

    [Fact]
    public void A_client_says_what_it_is()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        IChatClient client = model.AsChatClient();
        ChatClientMetadata metadata = client.GetService<ChatClientMetadata>()!;
        Assert.Equal(("ration", model.Configuration.Name), (metadata.ProviderName, metadata.DefaultModelId));
        Assert.Same(model, client.GetService<LanguageModel>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService(typeof(IChatClient), "key"));
        Assert.Null(client.GetService<string>());
        client.Dispose();
        Assert.NotEmpty(model.Generate("a", TinyModel.Greedy(1), Cancellation).Tokens);
    }
}
