using Ration.Inference;
using Ration.Memory;
using Ration.Planning;
using Ration.Tensors;

namespace Ration.Tests.Inference;

/// <summary>A model that does not fit its memory is read from its files for every token, and says the same.</summary>
public sealed class StreamedModelTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.Q4_0)]
    public void The_text_is_that_of_a_model_in_memory(DType weights)
    {
        using TinyModel tiny = TinyModel.OfPairs();
        LanguageModelOptions options = new() { Context = 200, Threads = 2, Chunk = 8, CacheType = DType.F16, WeightType = weights };
        using LanguageModel kept = LanguageModel.Load(tiny.Path, options with { Memory = ByteSize.FromMebibytes(1024) }), streamed = Smallest(tiny, options);
        Assert.Equal((0, 3), (kept.Plan.Choices.StreamedBlocks, streamed.Plan.Choices.StreamedBlocks));
        Assert.True(streamed.Plan.ArenaBytes < kept.Plan.ArenaBytes);
        Assert.Contains(streamed.Plan.Reasons, static r => r.Choice == "weights of 3 of 3 blocks");
        const string prompt = "the cat sat on the mat and the dog sat on the log";
        GeneratedText expected = kept.Generate(prompt, TinyModel.Varied(60), Cancellation), text = streamed.Generate(prompt, TinyModel.Varied(60), Cancellation);
        Assert.Equal(expected.Tokens, text.Tokens);
        Assert.True(text.Tokens.Distinct().Count() > 20);
    }

    [Fact]
    public void Each_model_keeps_the_files_open_by_itself()
    {
        using TinyModel tiny = TinyModel.OfPairs();
        LanguageModelOptions options = new() { Context = 200, Threads = 1 };
        LanguageModelSource source = LanguageModelSource.Open(tiny.Path);
        ByteSize smallest = Assert.Throws<MemoryBudgetException>(() => source.Plan(options with { Memory = ByteSize.FromMebibytes(1) })).Smallest;
        LanguageModel first = source.Load(options with { Memory = smallest });
        using LanguageModel second = source.Load(options with { Memory = smallest });
        source.Dispose();
        source.Dispose();
        IReadOnlyList<int> expected = first.Generate("the cat", TinyModel.Varied(20), Cancellation).Tokens;
        first.Dispose();
        first.Dispose();
        Assert.Equal(expected, second.Generate("the cat", TinyModel.Varied(20), Cancellation).Tokens);
    }

    private static LanguageModel Smallest(TinyModel tiny, LanguageModelOptions options)
    {
        using LanguageModelSource source = LanguageModelSource.Open(tiny.Path);
        return source.Load(options with { Memory = Assert.Throws<MemoryBudgetException>(() => source.Plan(options with { Memory = ByteSize.FromMebibytes(1) })).Smallest });
    }
}
