using Ration.Inference;
using Ration.Inference.Sampling;

namespace Ration.Tests.Inference;

/// <summary>Texts that are computed together are those that each would be alone.</summary>
public sealed class TextBatchTests
{
    private static readonly string[] s_prompts = ["the cat", "on the mat and the dog", "a", "the log, the cat and", "dog", "sat on", "the mat"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Texts_are_as_each_alone(int rows)
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel together = Load(tiny, rows), alone = tiny.Load();
        TextGenerationOptions options = TinyModel.Greedy(30);
        (int Number, GeneratedText Text)[] texts = [.. together.StartAll(s_prompts, options).Read(Cancellation)];
        Assert.Equal(Enumerable.Range(0, s_prompts.Length), texts.Select(static t => t.Number).Order());
        foreach ((int number, GeneratedText text) in texts)
        {
            GeneratedText expected = alone.Generate(s_prompts[number], options, Cancellation);
            Assert.Equal(expected.Tokens, text.Tokens);
            Assert.Equal(expected.Text, text.Text);
            Assert.Equal(FinishReason.MaxTokens, text.Finish);
            Assert.Equal(expected.PromptTokens, text.PromptTokens);
        }
    }

    [Fact]
    public void Texts_of_different_lengths_make_room_for_those_that_wait()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = Load(tiny, 2);

        TextGenerationOptions options = new() { MaxTokens = 50, Stop = ["z"], Sampling = new SamplingOptions(Temperature: 1, TopP: 1) { Steps = [new ByLength()] } };
        TextBatch batch = model.StartAll(["a", "abcdefgh", "abc", "ab", "abcde"], options);
        Assert.Equal(5, batch.Read(Cancellation).Count());
        for (int i = 0; i < batch.Count; i++)
        {
            GeneratedText text = batch.ResultOf(i);
            Assert.Equal(FinishReason.StopString, text.Finish);
            Assert.Equal(new string('y', text.PromptTokens), text.Text);
        }
    }

    [Fact]
    public void The_first_has_the_draws_that_it_would_have_alone_and_equal_prompts_have_their_own()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel together = Load(tiny, 3), alone = tiny.Load();
        TextGenerationOptions options = TinyModel.Varied(30);
        TextBatch batch = together.StartAll(["the cat", "the cat", "the cat"], options);
        Assert.Equal(3, batch.Read(Cancellation).Count());
        Assert.Equal(alone.Generate("the cat", options, Cancellation).Tokens, batch.ResultOf(0).Tokens);
        Assert.NotEqual(batch.ResultOf(0).Tokens, batch.ResultOf(1).Tokens);
        Assert.NotEqual(batch.ResultOf(1).Tokens, batch.ResultOf(2).Tokens);
    }

    [Fact]
    public void Reading_that_was_broken_off_is_taken_up_again()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        using LanguageModel model = Load(tiny, 3);
        TextGenerationOptions options = TinyModel.Greedy(20);
        TextBatch whole = model.StartAll(s_prompts, options), broken = model.StartAll(s_prompts, options);
        Assert.Equal(s_prompts.Length, whole.Read(Cancellation).Count());
        List<int> seen = [.. broken.Read(Cancellation).Take(2).Select(static t => t.Number)];
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach ((int number, _) in broken.Read(source.Token))
            {
                seen.Add(number);
                source.Cancel();
            }
        });
        seen.AddRange(broken.Read(Cancellation).Select(static t => t.Number));
        Assert.Equal(Enumerable.Range(0, s_prompts.Length), seen.Order());
        for (int i = 0; i < broken.Count; i++) Assert.Equal(whole.ResultOf(i).Tokens, broken.ResultOf(i).Tokens);
        Assert.Empty(broken.Read(Cancellation));
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = Load(tiny, 2);
        Assert.Contains("empty", Assert.Throws<InvalidInputException>(() => model.StartAll(["a", ""])).Message, StringComparison.Ordinal);
        Assert.Contains("--context", Assert.Throws<InvalidInputException>(() => model.StartAll(["a", new string('a', 201)])).Message, StringComparison.Ordinal);
        Assert.Contains(nameof(LanguageModel.StartAll), Assert.Throws<InvalidOperationException>(() => model.Start("a")).Message, StringComparison.Ordinal);
        Assert.Empty(model.StartAll([]).Read(Cancellation));
    }

    [Fact]
    public void A_plan_counts_the_cache_of_every_row()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel one = Load(tiny, 1), four = Load(tiny, 4);
        Assert.Equal(4, four.Rows);
        Assert.True(four.Plan.PlannedPeakBytes > one.Plan.PlannedPeakBytes);
    }

    private static LanguageModel Load(TinyModel tiny, int rows) => LanguageModel.Load(tiny.Path, new LanguageModelOptions { Context = 200, Threads = 2, Rows = rows });

    // As many y as the prompt has tokens, then z.
    private sealed class ByLength : ISamplingStep
    {
        public void Apply(Candidates candidates)
        {
            int prompt = 0;
            foreach (int token in candidates.History) prompt += token is 'y' or 'z' ? 0 : 1;
            candidates.Scores[candidates.History.Length < 2 * prompt ? 'y' : 'z'] = 1e30f;
            candidates.KeepGreatest(1);
        }
    }
}
