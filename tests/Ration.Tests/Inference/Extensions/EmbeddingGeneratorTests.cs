using Microsoft.Extensions.AI;
using Ration.Inference;

namespace Ration.Tests.Inference.Extensions;

/// <summary>Vectors of texts.</summary>
public sealed class EmbeddingGeneratorTests
{
    private const string Long = "the cat sat on the mat and the dog sat on the log, and then the cat and the dog sat on the mat, the log, and a zebra";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(EmbeddingPooling.Mean)]
    [InlineData(EmbeddingPooling.LastToken)]
    public async Task Vectors_have_length_one_and_do_not_depend_on_chunks(EmbeddingPooling pooling)
    {
        using TinyModel tiny = TinyModel.OfBytes();
        float[]? expected = null;
        foreach (int? chunk in (int?[])[null, 1, 8, 32, 128])
        {
            using LanguageModel model = tiny.Load(chunk: chunk);
            using IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator(pooling);
            GeneratedEmbeddings<Embedding<float>> all = await generator.GenerateAsync([Long, "the cat", Long], cancellationToken: Cancellation);
            Assert.All(all, e => Assert.Equal(TinyModel.Configuration.Width, e.Vector.Length));
            Assert.All(all, static e => Assert.Equal(1, Math.Sqrt(e.Vector.ToArray().Sum(static x => (double)x * x)), 1e-6));
            Assert.Equal(all[0].Vector.ToArray(), all[2].Vector.ToArray());
            Assert.True(SmallModels.Distance(all[1].Vector.Span, all[0].Vector.Span) > 0.05);
            expected ??= all[0].Vector.ToArray();
            Assert.True(SmallModels.Distance(all[0].Vector.Span, expected) < 1e-3, $"chunks of {chunk}: {SmallModels.Distance(all[0].Vector.Span, expected)}");
            Assert.Equal((2 * Long.Length) + 7, all.Usage!.InputTokenCount);
        }
    }

    [Fact]
    public async Task The_head_makes_the_same_logits_of_the_last_state()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        float[] state = (await model.AsEmbeddingGenerator(EmbeddingPooling.LastToken).GenerateVectorAsync(Long, cancellationToken: Cancellation)).ToArray();
        float[] logits = model.Use(g => g.Continue(model.Tokenizer.Encode(Long, null), Cancellation).ToArray());
        float[] head = Head(model);
        double[] product = [.. Enumerable.Range(0, logits.Length).Select(v => Enumerable.Range(0, state.Length).Sum(c => (double)head[(v * state.Length) + c] * state[c]))];
        double factor = Math.Sqrt(logits.Sum(static x => (double)x * x) / product.Sum(static x => x * x));
        Assert.True(SmallModels.Distance([.. product.Select(x => (float)(x * factor))], logits) < 1e-4);
    }

    [Fact]
    public async Task Generation_goes_on_as_if_nothing_had_been()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load();
        GeneratedText before = model.Generate(Long, TinyModel.Varied(20), Cancellation);
        await model.AsEmbeddingGenerator().GenerateAsync(["the dog " + Long], cancellationToken: Cancellation);
        Assert.Equal(before.Tokens, model.Generate(Long, TinyModel.Varied(20), Cancellation).Tokens);
    }

    [Fact]
    public async Task What_cannot_be_embedded_is_refused()
    {
        using TinyModel tiny = TinyModel.OfBytes();
        using LanguageModel model = tiny.Load(context: 20);
        using IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator();
        await Assert.ThrowsAsync<InvalidInputException>(() => generator.GenerateAsync([""], cancellationToken: Cancellation));
        await Assert.ThrowsAsync<InvalidInputException>(() => generator.GenerateAsync([new string('a', 21)], cancellationToken: Cancellation));
        await Assert.ThrowsAsync<NotSupportedException>(() => generator.GenerateAsync(["a"], new EmbeddingGenerationOptions { Dimensions = 3 }, Cancellation));
        Assert.Equal(TinyModel.Configuration.Width, generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions);
        Assert.Same(model, generator.GetService<LanguageModel>());
    }

    private static float[] Head(LanguageModel model) => model.Use(static g =>
    {
        Ration.Graphs.Value head = g.Weights.First(static w => w.Name == "lm_head.weight");
        float[] numbers = new float[head.Shape.Elements];
        g.Executor.ReadPersistent(head, 0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()));
        return numbers;
    });
}
