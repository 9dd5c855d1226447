using Ration.Execution;
using Ration.Graphs;
using Ration.Memory;
using Ration.Planning;

namespace Ration.Inference;

/// <summary>
/// Runs a model over texts that grow, with a cache of what it has seen: prompts in chunks, then token by token. Several texts of different
/// lengths can be run at once. Feeding allocates nothing. One thread at a time.
/// </summary>
public sealed class Generator : IDisposable
{
    private readonly GenerationPrograms _programs;
    private readonly RowInputs _inputs;
    private readonly float[] _logits;
    private readonly float[] _read;
    private readonly int _vocabulary;
    private GarbageLimit _garbage;

    /// <summary>Reserves the memory of a plan; the weights are then to be written.</summary>
    /// <param name="plan">The plan; its device is disposed with this object.</param>
    public Generator(GenerationPlan plan)
    {
        Plan = plan;
        _programs = plan.Programs;
        GenerationStep step = _programs.Step;
        _vocabulary = step.Model.Vocabulary;
        _inputs = new RowInputs(_programs);
        _logits = new float[(long)step.Rows * _vocabulary];
        _read = step.Rows == 1 ? _logits : new float[_logits.Length];
        Executor = new Executor(plan.Device, [.. _programs.All]);
        foreach (Value cache in _programs.Single.Graph.Persistent.Where(static v => v.Kind == MemoryKind.KvCache)) Executor.Clear(cache);
    }

    /// <summary>What was planned.</summary>
    public GenerationPlan Plan { get; }

    /// <summary>The most tokens of a text.</summary>
    public int Capacity => _programs.Step.Capacity;

    /// <summary>Texts at once.</summary>
    public int Rows => _programs.Step.Rows;

    /// <summary>Tokens of the first text that are in the cache.</summary>
    public int Position => PositionOf(0);

    /// <summary>Tokens that the last <see cref="Continue"/> found in the cache.</summary>
    public int KeptTokens { get; private set; }

    /// <summary>Bytes reserved.</summary>
    public long ArenaBytes => Executor.ArenaBytes;

    /// <summary>Weights of the model, to be written before use.</summary>
    public IEnumerable<Value> Weights => _programs.Single.Graph.Persistent.Where(static v => v.Kind == MemoryKind.Weights);

    /// <summary>Holds the weights.</summary>
    public Executor Executor { get; }

    /// <summary>Tokens of a text that are in the cache.</summary>
    public int PositionOf(int row) => _inputs.Position(row);

    /// <summary>The tokens of a text that are in the cache.</summary>
    public ReadOnlySpan<int> TextOf(int row) => _inputs.Text(row);

    /// <summary>The logits after the last token of a text that was fed; valid until the next call.</summary>
    public ReadOnlySpan<float> LogitsOf(int row) => _logits.AsSpan(row * _vocabulary, _vocabulary);

    /// <summary>Adds tokens to the only text, and returns the logits after the last of them; the span is valid until the next call.</summary>
    /// <exception cref="InvalidOperationException">There are several texts, no tokens, or more than the cache has room for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between chunks; the chunks before are in the cache.</exception>
    public ReadOnlySpan<float> Feed(scoped ReadOnlySpan<int> tokens, CancellationToken cancellation = default)
    {
        if (Rows != 1) throw new InvalidOperationException($"there are {Rows} texts; say which tokens are for which");
        if (tokens.IsEmpty) throw new InvalidOperationException("there are no tokens to add");
        _inputs.Require(0, tokens);
        while (tokens.Length > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            StepProgram program = _programs.Next(tokens.Length, out int chunk);
            int count = Math.Min(chunk, tokens.Length);
            Run(program, chunk, tokens[..count]);
            tokens = tokens[count..];
        }

        return _logits;
    }

    /// <summary>Adds tokens to each of the texts at once; <see cref="LogitsOf"/> then gives the logits of those that had any.</summary>
    /// <param name="tokens">One entry for each text, empty for one that waits.</param>
    /// <param name="cancellation">Looked at between chunks.</param>
    /// <exception cref="InvalidOperationException">There are more or fewer entries than texts, no tokens, or more than the cache has room for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between chunks; the chunks before are in the cache.</exception>
    public void FeedAll(IReadOnlyList<ReadOnlyMemory<int>> tokens, CancellationToken cancellation = default)
    {
        if (tokens.Count != Rows) throw new InvalidOperationException($"there are tokens for {tokens.Count} texts, not {Rows}");
        int longest = 0;
        for (int row = 0; row < Rows; row++)
        {
            _inputs.Require(row, tokens[row].Span);
            longest = Math.Max(longest, tokens[row].Length);
        }

        if (longest == 0) throw new InvalidOperationException("there are no tokens to add");
        for (int done = 0, count; done < longest; done += count)
        {
            cancellation.ThrowIfCancellationRequested();
            StepProgram program = _programs.Next(longest - done, out count);
            _inputs.Begin(count);
            for (int row = 0; row < Rows; row++)
            {
                ReadOnlySpan<int> all = tokens[row].Span;
                if (done < all.Length) _inputs.Add(row, all.Slice(done, Math.Min(count, all.Length - done)));
            }

            Run(program);
        }
    }

    /// <summary>
    /// Makes a text this one, computing only what is not in the cache already, and returns the logits after its last token: what the text
    /// has in common with the one before is kept.
    /// </summary>
    /// <exception cref="InvalidOperationException">There are several texts, the text is empty or longer than the capacity.</exception>
    public ReadOnlySpan<float> Continue(scoped ReadOnlySpan<int> text, CancellationToken cancellation = default)
    {
        if (text.IsEmpty || text.Length > Capacity) throw new InvalidOperationException($"a text of {text.Length} tokens does not go into a cache of {Capacity}");

        // The last token is computed again even if it is known: its logits are wanted.
        KeptTokens = Truncate(0, Math.Min(text.CommonPrefixLength(TextOf(0)), text.Length - 1));
        return Feed(text[KeptTokens..], cancellation);
    }

    /// <summary>
    /// Forgets the tokens of a text from a place on, and returns how many are left. All are forgotten where a layer with a window has
    /// overwritten what the tokens after that place would see.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The place is negative or after the last token.</exception>
    public int Truncate(int row, int position) => _inputs.Truncate(row, position);

    /// <summary>Forgets all texts.</summary>
    public void Reset()
    {
        for (int row = 0; row < Rows; row++) _inputs.Truncate(row, 0);
    }

    /// <inheritdoc/>
    public void Dispose() => Executor.Dispose();

    /// <summary>Adds tokens to the only text with a program of this generator's layout that fits its memory; without logits, if it has none.</summary>
    /// <param name="program">What runs.</param>
    /// <param name="chunk">Tokens that it takes.</param>
    /// <param name="tokens">At most so many, known ones, for which there is room.</param>
    internal void Run(StepProgram program, int chunk, ReadOnlySpan<int> tokens)
    {
        _inputs.Begin(chunk);
        _inputs.Add(0, tokens);
        Run(program);
    }

    private void Run(StepProgram program)
    {
        _inputs.Write(Executor, program);
        Executor.Run(program, Phase.Repeat);
        if (program.Has(GenerationGraph.Logits)) Executor.Read<float>(program, GenerationGraph.Logits, _read);
        if (Rows > 1)
        {
            for (int row = 0; row < Rows; row++)
            {
                if (_inputs.HasTokens(row)) _read.AsSpan(row * _vocabulary, _vocabulary).CopyTo(_logits.AsSpan(row * _vocabulary));
            }
        }

        _inputs.Commit();

        // What reading weights leaves behind, and whoever reads the texts.
        _garbage.Keep();
    }
}
