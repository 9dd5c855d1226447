using Ration.Inference;
using Ration.Tensors;
using Ration.Tokenizers;

namespace Ration.Tests.Inference;

/// <summary>The library's door: what is read is what was generated, however it is read.</summary>
public sealed class LanguageModelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stream_equals_the_whole(bool pairs)
    {
        using TinyModel tiny = pairs ? TinyModel.OfPairs() : TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        TextGenerationOptions options = TinyModel.Varied(60);
        GeneratedText whole = model.Generate("the cat", options, Cancellation);
        Assert.Equal(60, whole.Tokens.Count);
        Assert.Equal(FinishReason.MaxTokens, whole.Finish);
        Assert.True(whole.Tokens.Distinct().Count() > 20);
        TextPiece[] pieces = [.. model.Start("the cat", options).Read(Cancellation)];
        List<TextPiece> awaited = [];
        await foreach (TextPiece piece in model.GenerateAsync("the cat", options, Cancellation)) awaited.Add(piece);
        foreach (IReadOnlyList<TextPiece> read in (IReadOnlyList<TextPiece>[])[pieces, awaited])
        {
            Assert.Equal(whole.Text, string.Concat(read.Select(static p => p.Text)));
            Assert.Equal(whole.Tokens, read.SkipLast(1).Select(static p => p.Token!.Value));
            Assert.All(read.SkipLast(1), static p => Assert.Null(p.Result));
            Assert.Null(read[^1].Token);
            Assert.Equal(whole.Text, read[^1].Result!.Text);
        }
    }

    [Fact]
    public void Pieces_are_whole_characters()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        const string text = "Zoë, 日本 🎉👩‍🚀!";
        TextPiece[] pieces = [.. model.Start("a", TinyModel.ScriptBytes(text)).Read(Cancellation)];
        Assert.Equal(text, string.Concat(pieces.Select(static p => p.Text)));
        Assert.All(pieces, static p => Assert.True(p.Text.Length == 0 || (!char.IsLowSurrogate(p.Text[0]) && !char.IsHighSurrogate(p.Text[^1]))));
        Assert.DoesNotContain(pieces, static p => p.Text.Contains('\uFFFD', StringComparison.Ordinal));
        Assert.Equal("\uFFFD", model.Generate("a", TinyModel.Script(0xF0, 0x9F) with { MaxTokens = 1 }, Cancellation).Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cache_that_knows_the_beginning_changes_nothing(bool isGreedy)
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        const string prompt = "the cat sat on the mat and the dog";
        TextGenerationOptions options = isGreedy ? TinyModel.Greedy(40) : TinyModel.Varied(40);
        model.Generate("the cat sat on the mat", options, Cancellation);
        GeneratedText reused = model.Generate(prompt, options, Cancellation);
        Assert.InRange(reused.CachedTokens, 5, reused.PromptTokens - 1);
        GeneratedText again = model.Generate(prompt, options, Cancellation);
        Assert.Equal(again.PromptTokens - 1, again.CachedTokens);
        using LanguageModel other = tiny.Load();
        GeneratedText fresh = other.Generate(prompt, options, Cancellation);
        Assert.Equal(0, fresh.CachedTokens);
        Assert.Equal(fresh.Tokens, reused.Tokens);
        Assert.Equal(fresh.Tokens, again.Tokens);
        Assert.True(fresh.PrefillTokensPerSecond > 0 && fresh.DecodeTokensPerSecond > 0);
    }

    [Fact]
    public void A_stop_string_ends_the_text_and_never_shows()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        TextGenerationOptions options = TinyModel.ScriptBytes("one ENdless END two") with { Stop = ["END", "never"] };
        TextPiece[] pieces = [.. model.Start("a", options).Read(Cancellation)];
        Assert.Equal("one ENdless ", string.Concat(pieces.Select(static p => p.Text)));
        Assert.Equal(FinishReason.StopString, pieces[^1].Result!.Finish);
        Assert.Equal("one ENdless END".Length, pieces[^1].Result!.Tokens.Count);
        GeneratedText none = model.Generate("a", TinyModel.ScriptBytes("one EN") with { Stop = ["END"] }, Cancellation);
        Assert.Equal(("one EN", FinishReason.MaxTokens), (none.Text, none.Finish));
    }

    [Fact]
    public void Texts_end_at_the_end_token_unless_told_to_go_on()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        int end = Array.IndexOf(TinyModel.Special, "<|end|>");
        Assert.Equal([end], model.EndIds);
        TextGenerationOptions options = TinyModel.Script([.. model.Tokenizer.Encode("the cat"), end]);
        GeneratedText text = model.Generate("the", options, Cancellation);
        Assert.Equal(("the cat", FinishReason.End), (text.Text, text.Finish));
        Assert.DoesNotContain(end, text.Tokens);
        options = TinyModel.Script([.. model.Tokenizer.Encode("the cat"), end]);
        GeneratedText longer = model.Generate("the", options with { IgnoreEnd = true, MaxTokens = 12, ShowSpecial = true }, Cancellation);
        Assert.Equal((12, FinishReason.MaxTokens), (longer.Tokens.Count, longer.Finish));
        Assert.EndsWith("<|end|><|end|>", longer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Texts_end_where_there_is_no_more_room()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load(context: 20);
        GeneratedText text = model.Generate(new string('a', 15), TinyModel.Greedy(99), Cancellation);
        Assert.Equal((6, FinishReason.ContextFull), (text.Tokens.Count, text.Finish));
        GeneratedText full = model.Generate(new string('a', 20), TinyModel.Greedy(99) with { MaxTokens = null }, Cancellation);
        Assert.Equal((1, FinishReason.ContextFull), (full.Tokens.Count, full.Finish));
    }

    [Fact]
    public async Task A_cancelled_text_can_be_taken_up_again()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        GeneratedText whole = model.Generate("the dog", TinyModel.Varied(30), Cancellation);
        TextGeneration generation = model.Start("the dog", TinyModel.Varied(30));
        using CancellationTokenSource source = new();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (TextPiece _ in generation.ReadAsync(source.Token))
            {
                if (generation.Result.Tokens.Count == 7) await source.CancelAsync();
            }
        });
        Assert.Equal(whole.Tokens.Take(7), generation.Result.Tokens);
        Assert.Null(generation.Result.Finish);

        // Another text goes in between.
        model.Generate("something else", TinyModel.Greedy(5), Cancellation);
        GeneratedText rest = generation.Run(Cancellation);
        Assert.Equal(whole.Tokens, rest.Tokens);
        Assert.Equal(whole.Text, rest.Text);
    }

    [Fact]
    public async Task Texts_wait_for_their_turn()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        string[] prompts = ["one", "two", "three", "four"];
        GeneratedText[] alone = [.. prompts.Select(p => model.Generate(p, TinyModel.Varied(20), Cancellation))];
        GeneratedText[] together = await Task.WhenAll(prompts.Select(p => Task.Run(() => model.Generate(p, TinyModel.Varied(20), Cancellation), Cancellation)));
        Assert.Equal(alone.Select(static t => t.Text), together.Select(static t => t.Text));
    }

    [Fact]
    public void A_prompt_begins_as_the_files_say()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = tiny.Load();
        int plain = model.Tokenizer.Encode("the <|user|>").Length;
        Assert.Equal(plain + 1, model.Start("the <|user|>").PromptTokens);
        Assert.Equal(plain, model.Start("the <|user|>", new TextGenerationOptions { AddBeginning = false }).PromptTokens);
        Assert.True(model.Start("the <|user|>", new TextGenerationOptions { ParseSpecial = true }).PromptTokens < plain);
    }

    [Fact]
    public void What_cannot_be_gone_on_with_is_refused()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load(context: 20);
        Assert.Throws<InvalidInputException>(() => model.Start(""));
        Assert.Contains("21 tokens", Assert.Throws<InvalidInputException>(() => model.Start(new string('a', 21))).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidInputException>(() => model.Start([300]));
        Assert.Throws<InvalidInputException>(() => model.Start([-1]));
        Assert.Throws<InvalidInputException>(() => model.Start("a", new TextGenerationOptions { MaxTokens = 0 }));
        Assert.Throws<InvalidInputException>(() => LanguageModel.Load(tiny.Path, new LanguageModelOptions { Context = 20, PromptTokens = 20 }));
        model.Dispose();
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Generate("a", cancellation: Cancellation));
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void Weights_are_stored_as_asked_for(DType type)
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModelSource source = LanguageModelSource.Open(tiny.Path);
        using LanguageModel model = source.Load(new LanguageModelOptions { WeightType = type, Context = 50, Threads = 1 });
        using LanguageModel exact = source.Load(new LanguageModelOptions { Context = 50, Threads = 1, CacheType = DType.F32 });
        Assert.Equal(type, model.Plan.Choices.WeightType);
        Assert.True(model.Plan.ArenaBytes < exact.Plan.ArenaBytes);
        Assert.Equal(20, model.Generate("a", TinyModel.Greedy(20), Cancellation).Tokens.Count);
    }
}
