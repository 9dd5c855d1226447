namespace Ration.Files.Peft;

/// <summary>One adapted matrix.</summary>
/// <param name="Name">The module of the base model, such as <c>model.layers.0.self_attn.q_proj</c>.</param>
/// <param name="A">[rank, inputs]; of an embedding, [rank, tokens].</param>
/// <param name="B">[outputs, rank]; of an embedding, [width, rank].</param>
/// <param name="Magnitude">Lengths [outputs] of a weight-decomposed adapter, else null.</param>
/// <param name="Rank">The rank.</param>
/// <param name="Scale">The factor of B · A.</param>
/// <param name="IsEmbedding">Whether the module is an embedding: its table [tokens, width] gains the transpose of scale · B · A.</param>
public sealed record PeftModule(string Name, StoredTensor A, StoredTensor B, StoredTensor? Magnitude, int Rank, double Scale, bool IsEmbedding);
