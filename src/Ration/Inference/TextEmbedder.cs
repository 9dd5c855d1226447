using Ration.Planning;

namespace Ration.Inference;

/// <summary>Makes one vector of the hidden states of a text, in the memory of a generator whose text is lost by it.</summary>
internal sealed class TextEmbedder
{
    private readonly Generator _generator;
    private readonly GenerationPrograms _programs;
    private readonly float[] _state;
    private readonly int _width;

    /// <summary>Compiles what runs.</summary>
    /// <exception cref="InvalidInputException">The generator's memory is too small.</exception>
    public TextEmbedder(Generator generator)
    {
        _generator = generator;
        _programs = generator.Plan.Programs.ForHiddenStates(generator.Plan.Device);
        _width = generator.Plan.Options.Model.Width;
        _state = new float[_width];
    }

    /// <summary>The vector, of length 1.</summary>
    /// <param name="tokens">At least one, at most the generator's capacity.</param>
    /// <param name="pooling">How states become a vector.</param>
    /// <param name="cancellation">Looked at between chunks.</param>
    public float[] Embed(ReadOnlySpan<int> tokens, EmbeddingPooling pooling, CancellationToken cancellation)
    {
        double[] sum = new double[_width];
        _generator.Reset();
        for (int done = 0; done < tokens.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            StepProgram program = _programs.Next(tokens.Length - done, out int chunk);
            int count = Math.Min(chunk, tokens.Length - done);
            _generator.Run(program, chunk, tokens.Slice(done, count));
            done += count;
            for (int i = pooling == EmbeddingPooling.Mean ? 0 : count - 1; i < count; i++)
            {
                if (pooling == EmbeddingPooling.LastToken && done < tokens.Length) break;

                // One at a time: those of a whole chunk would be memory beyond the plan.
                _generator.Executor.Read<float>(program, program.Graph.Outputs[0].Name, (long)i * _width, _state);
                for (int c = 0; c < _width; c++) sum[c] += _state[c];
            }
        }

        double length = Math.Sqrt(sum.Sum(static x => x * x));
        return [.. sum.Select(x => (float)(length > 0 ? x / length : 0))];
    }
}
