using Ration.Execution;
using Ration.Models;
using Ration.Planning;

namespace Ration.Inference;

/// <summary>
/// What the cache holds of each text, and the inputs of the next run: tokens, their positions, the keys they see, their places in the
/// cache. Texts without tokens in a run are padded with tokens that go nowhere and see nothing.
/// </summary>
internal sealed class RowInputs
{
    private readonly int _rows;
    private readonly int _capacity;
    private readonly int _vocabulary;
    private readonly int _spare;
    private readonly int[] _texts;
    private readonly int[] _lengths;
    private readonly int[] _furthest;
    private readonly int[] _added;
    private readonly int[] _last;
    private readonly int[] _tokens;
    private readonly int[] _positions;
    private readonly int[] _places;
    private readonly int[] _ranges;
    private int _chunk;

    /// <summary>Room for the largest program.</summary>
    public RowInputs(GenerationPrograms programs)
    {
        GenerationStep step = programs.Step;
        (_rows, _capacity, _vocabulary) = (step.Rows, step.Capacity, step.Model.Vocabulary);
        int most = _rows * step.LargestChunk;
        (_tokens, _positions, _places, _ranges) = (new int[most], new int[most], new int[most], new int[2 * most]);
        (_lengths, _furthest, _added, _last) = (new int[_rows], new int[_rows], new int[_rows], new int[_rows]);
        _texts = new int[(long)_rows * _capacity];
        _spare = Spare(step);
    }

    /// <summary>Bytes that texts and inputs take on the host.</summary>
    public static long HostBytes(GenerationStep step) => (long)step.Rows * sizeof(int) * (step.Capacity + (5L * step.LargestChunk));

    /// <summary>Tokens of a text in the cache.</summary>
    public int Position(int row) => _lengths[row];

    /// <summary>The tokens of a text in the cache.</summary>
    public ReadOnlySpan<int> Text(int row) => _texts.AsSpan(row * _capacity, _lengths[row]);

    /// <summary>Whether a text takes part in the next run.</summary>
    public bool HasTokens(int row) => _added[row] > 0;

    /// <summary>Refuses tokens that cannot be added to a text.</summary>
    public void Require(int row, ReadOnlySpan<int> tokens)
    {
        if (tokens.Length > _capacity - _lengths[row])
            throw new InvalidOperationException($"{tokens.Length} tokens cannot be added to a cache that holds {_lengths[row]} of {_capacity}");
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_vocabulary) throw new InvalidOperationException($"token {token} is not one of the vocabulary's {_vocabulary}");
        }
    }

    /// <summary>Begins the inputs of a run of so many tokens of each text.</summary>
    public void Begin(int chunk)
    {
        _chunk = chunk;
        int all = _rows * _chunk;
        _tokens.AsSpan(0, all).Clear();
        _positions.AsSpan(0, all).Clear();
        _places.AsSpan(0, all).Fill(-1);
        for (int i = 0; i < all; i++) (_ranges[2 * i], _ranges[(2 * i) + 1]) = (0, -1);
        Array.Clear(_added);
        Array.Clear(_last);
    }

    /// <summary>Gives a text tokens in the run, at most as many as the program takes.</summary>
    public void Add(int row, ReadOnlySpan<int> tokens)
    {
        int at = row * _chunk, position = _lengths[row];
        tokens.CopyTo(_tokens.AsSpan(at));
        tokens.CopyTo(_texts.AsSpan((row * _capacity) + position));
        for (int i = 0; i < tokens.Length; i++)
        {
            _positions[at + i] = _places[at + i] = position + i;
            _ranges[(2 * (at + i)) + 1] = position + i;
        }

        // Padding stands after the text, so that positions and keys go on rising.
        for (int i = tokens.Length; i < _chunk; i++) _positions[at + i] = position + tokens.Length - 1;
        (_added[row], _last[row]) = (tokens.Length, tokens.Length - 1);
    }

    /// <summary>Writes the inputs.</summary>
    public void Write(Executor executor, StepProgram program)
    {
        int all = _rows * _chunk;
        executor.Write<int>(program, ModelInputs.TokensName, _tokens.AsSpan(0, all));
        executor.Write<int>(program, ModelInputs.PositionsName, _positions.AsSpan(0, all));
        executor.Write<int>(program, ModelInputs.KeyRangesName, _ranges.AsSpan(0, 2 * all));
        executor.Write<int>(program, GenerationGraph.Places, _places.AsSpan(0, all));
        executor.Write<int>(program, GenerationGraph.LastToken, _last);
    }

    /// <summary>The run is done: its tokens are in the cache.</summary>
    public void Commit()
    {
        for (int row = 0; row < _rows; row++)
        {
            _lengths[row] += _added[row];
            _furthest[row] = Math.Max(_furthest[row], _lengths[row]);
        }
    }

    /// <summary>Forgets the end of a text; see <see cref="Generator.Truncate"/>.</summary>
    public int Truncate(int row, int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(position, _lengths[row]);
        if (_furthest[row] - position > _spare) position = 0;
        if (position == 0) _furthest[row] = 0;
        return _lengths[row] = position;
    }

    // Tokens that may be taken back: a cache that goes round keeps so many more than a single query sees.
    private static int Spare(GenerationStep step)
    {
        int spare = int.MaxValue;
        foreach (int window in GenerationGraph.Windows(step.Model))
        {
            if (GenerationGraph.RingRows(step, window) is { } rows) spare = Math.Min(spare, rows - window);
        }

        return spare;
    }
}
