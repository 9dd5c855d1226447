using Microsoft.Extensions.AI;

namespace Ration.Inference.Extensions;

/// <summary>See <see cref="LanguageModelExtensions.AsEmbeddingGenerator"/>.</summary>
internal sealed class LanguageModelEmbeddingGenerator(LanguageModel model, EmbeddingPooling pooling) : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingGeneratorMetadata _metadata = new(LanguageModelChatClient.Provider, null, model.Configuration.Name, model.Configuration.Width);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Another number of dimensions was asked for than the model's.</exception>
    /// <exception cref="InvalidInputException">A text is empty or too long.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (options?.Dimensions is { } dimensions && dimensions != model.Configuration.Width)
            throw new NotSupportedException($"embeddings of this model have {model.Configuration.Width} dimensions, not {dimensions}");
        GeneratedEmbeddings<Embedding<float>> embeddings = [];
        long tokens = 0;
        foreach (string value in values)
        {
            (float[] vector, int count) = await model.EmbedAsync(value, pooling, cancellationToken).ConfigureAwait(false);
            embeddings.Add(new Embedding<float>(vector) { CreatedAt = DateTimeOffset.UtcNow, ModelId = model.Configuration.Name });
            tokens += count;
        }

        embeddings.Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens };
        return embeddings;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(EmbeddingGeneratorMetadata)) return _metadata;
        if (serviceType == typeof(LanguageModel)) return model;
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
