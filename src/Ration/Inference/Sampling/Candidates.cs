using Ration.Devices.Cpu.Kernels;

namespace Ration.Inference.Sampling;

/// <summary>
/// The tokens that may be drawn next, and their scores. Steps first change scores, then drop tokens. Nothing is ever sorted as a whole:
/// what is asked for is the first so many tokens of an order. Reused for every token of a text, without allocation.
/// </summary>
public sealed unsafe class Candidates
{
    // Scores are looked through in blocks: a block whose greatest is too small is passed over.
    private const int Block = 64;

    private readonly float[] _scores;
    private readonly float[] _weights;
    private readonly float[] _maxima;
    private readonly int[] _history;
    private readonly ulong[] _keys;
    private int _historyLength;

    // The first _listed keys are filled: all candidates, or, while none has been dropped, all down to some score.
    private int _listed;
    private int _ranked;
    private bool _byScore = true;

    /// <summary>Room for a vocabulary.</summary>
    /// <param name="vocabulary">Tokens, at least 1.</param>
    /// <param name="window">How many of the last tokens <see cref="History"/> gives at the most.</param>
    public Candidates(int vocabulary, int window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabulary, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(window);
        (_scores, _weights, _keys) = (new float[vocabulary], new float[vocabulary], new ulong[vocabulary]);
        _maxima = new float[(vocabulary + Block - 1) / Block];
        _history = new int[window];
    }

    /// <summary>Tokens of the vocabulary.</summary>
    public int Vocabulary => _scores.Length;

    /// <summary>Tokens that have not been dropped.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// The score of each token of the vocabulary, at first its logit: the probability of a candidate is proportional to e^score. Those of
    /// dropped tokens are meaningless. To ask for them to write ends every order made so far.
    /// </summary>
    public Span<float> Scores
    {
        get
        {
            if (Count == Vocabulary) _listed = 0;
            (_ranked, _byScore) = (0, Count == Vocabulary);
            return _scores;
        }
    }

    /// <summary>The last tokens of the text, the prompt included, oldest first.</summary>
    public ReadOnlySpan<int> History => _history.AsSpan(0, _historyLength);

    /// <summary>Begins the next token: all of the vocabulary, with its logits. What is not a number counts as −∞.</summary>
    /// <exception cref="ArgumentException">There are not as many logits as tokens.</exception>
    public void Begin(ReadOnlySpan<float> logits, ReadOnlySpan<int> history)
    {
        if (logits.Length != Vocabulary) throw new ArgumentException($"{logits.Length} logits for {Vocabulary} tokens", nameof(logits));
        logits.CopyTo(_scores);
        fixed (float* scores = _scores) ElementwiseLoops.Unary<FiniteOrLeast>(scores, scores, Vocabulary);
        (Count, _listed, _ranked, _byScore) = (Vocabulary, 0, 0, true);
        _historyLength = Math.Min(history.Length, _history.Length);
        history[^_historyLength..].CopyTo(_history);
    }

    /// <summary>Candidate number <paramref name="index"/>: in the order last made as far as it reaches, then in no order.</summary>
    public int Token(int index)
    {
        if (index >= _listed) List();
        return (int)(uint)_keys.AsSpan(0, _listed)[index];
    }

    /// <summary>The score of candidate number <paramref name="index"/>.</summary>
    public float Score(int index) => _scores[Token(index)];

    /// <summary>The greatest score of a candidate.</summary>
    public float Greatest()
    {
        if (Count == Vocabulary)
        {
            fixed (float* scores = _scores) return ReductionLoops.Max(scores, Vocabulary);
        }

        float greatest = float.NegativeInfinity;
        for (int i = 0; i < Count; i++) greatest = Math.Max(greatest, _scores[(uint)_keys[i]]);
        return greatest;
    }

    /// <summary>The sum of e^(score − <paramref name="greatest"/>) over all candidates.</summary>
    public double TotalWeight(float greatest)
    {
        if (Count < Vocabulary)
        {
            for (int i = 0; i < Count; i++) _weights[i] = _scores[(uint)_keys[i]];
        }

        fixed (float* weights = _weights, scores = _scores)
        {
            ElementwiseLoops.BinaryScalar<ExponentialOfDifference>(Count == Vocabulary ? scores : weights, greatest, weights, Count);
            double sum = 0;
            for (int start = 0; start < Count; start += Block) sum += ReductionLoops.Sum(weights + start, Math.Min(Block, Count - start));
            return sum;
        }
    }

    /// <summary>
    /// Makes the first <paramref name="count"/> candidates those of the greatest scores, greatest first, the lower token first where scores
    /// are equal. Returns how many there are.
    /// </summary>
    public int Rank(int count)
    {
        count = Math.Min(count, Count);
        if (!_byScore) ListByScore();
        if (count > _listed) ListGreatest(count);
        if (count > _ranked) Order(count);
        return count;
    }

    /// <summary>
    /// Orders by numbers given for the candidates in their present order (<see cref="Token"/>), least first, as far as the first
    /// <paramref name="count"/>. The order can be extended by <see cref="RankFurther"/>, until scores are changed or ranked.
    /// </summary>
    public void RankBy(ReadOnlySpan<float> values, int count)
    {
        List();
        for (int i = 0; i < Count; i++) _keys[i] = ((ulong)~Descending(values[i]) << 32) | (uint)_keys[i];
        (_byScore, _ranked) = (false, 0);
        RankFurther(count);
    }

    /// <summary>Extends the order of <see cref="RankBy"/> to the first <paramref name="count"/> candidates, and returns how many there are.</summary>
    public int RankFurther(int count)
    {
        count = Math.Min(count, Count);
        if (count > _ranked) Order(count);
        return count;
    }

    /// <summary>Drops all but the <paramref name="count"/> candidates of the greatest scores.</summary>
    public void KeepGreatest(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (count >= Count) return;
        if (!_byScore) ListByScore();
        if (count > _listed) ListGreatest(count);
        if (count < _listed && count > _ranked) PartialSelection.Partition(_keys.AsSpan(_ranked, _listed - _ranked), count - _ranked);
        Cut(count);
    }

    /// <summary>Drops candidates of smaller scores.</summary>
    public void KeepAtLeast(float score)
    {
        if (Count == Vocabulary && _byScore)
        {
            FillMaxima();
            ListAtLeast(score);
            Cut(_listed);
            return;
        }

        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_scores[(uint)_keys[i]] >= score) _keys[kept++] = _keys[i];
        }

        (Count, _listed, _ranked) = (kept, kept, 0);
    }

    /// <summary>Drops all but the first <paramref name="count"/> candidates.</summary>
    public void Keep(int count)
    {
        if (count >= Count) return;
        if (count > _listed) List();
        Cut(count);
    }

    /// <summary>A token drawn with probability proportional to e^score.</summary>
    /// <param name="uniform">A random number from 0 to below 1.</param>
    internal int Draw(double uniform)
    {
        // A short list is put in order first, so that the draw does not depend on how it was selected.
        bool whole = Count == Vocabulary;
        if (!whole) Rank(Count);
        double left = uniform * TotalWeight(Greatest());
        int last = -1;
        for (int i = 0; i < Count; i++)
        {
            if (_weights[i] == 0) continue;
            last = i;
            left -= _weights[i];
            if (left < 0) break;
        }

        return whole ? last : Token(last);
    }

    /// <summary>The first of the tokens with the greatest score.</summary>
    internal int GreatestToken() => Array.IndexOf(_scores, Greatest());

    // Ascending unsigned order of the result is descending order of values.
    private static uint Descending(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits & 0x8000_0000) != 0 ? bits : ~(bits | 0x8000_0000);
    }

    private ulong Key(int token) => ((ulong)Descending(_scores[token]) << 32) | (uint)token;

    private void Order(int count)
    {
        Span<ulong> rest = _keys.AsSpan(_ranked, _listed - _ranked);
        int more = count - _ranked;
        if (more < rest.Length) PartialSelection.Partition(rest, more);
        rest[..more].Sort();
        _ranked = count;
    }

    private void Cut(int count)
    {
        Count = _listed = count;
        _ranked = Math.Min(_ranked, count);
    }

    // All candidates, with what was in order still so.
    private void List()
    {
        if (_listed == Count) return;
        int ranked = _ranked;
        for (int token = 0; token < Vocabulary; token++) _keys[token] = Key(token);
        (_listed, _ranked) = (Vocabulary, 0);
        if (ranked > 0) Order(ranked);
    }

    private void ListByScore()
    {
        for (int i = 0; i < Count; i++) _keys[i] = Key((int)(uint)_keys[i]);
        (_listed, _ranked, _byScore) = (Count, 0, true);
    }

    // At least so many of the greatest, quickly if they are few.
    private void ListGreatest(int count)
    {
        if (count <= _maxima.Length / 2) ListAtLeast(BlockThreshold(count));
        else List();
    }

    private void FillMaxima()
    {
        fixed (float* scores = _scores)
        {
            for (int block = 0; block < _maxima.Length; block++)
                _maxima[block] = ReductionLoops.Max(scores + (block * Block), Math.Min(Block, Vocabulary - (block * Block)));
        }
    }

    // The count-th greatest of the blocks' greatest is no more than the count-th greatest of all.
    private float BlockThreshold(int count)
    {
        FillMaxima();
        for (int block = 0; block < _maxima.Length; block++) _keys[block] = ((ulong)Descending(_maxima[block]) << 32) | (uint)block;
        Span<ulong> blocks = _keys.AsSpan(0, _maxima.Length);
        PartialSelection.Partition(blocks, count);
        ulong least = 0;
        for (int i = 0; i < count; i++) least = Math.Max(least, blocks[i]);
        return _maxima[(uint)least];
    }

    private void ListAtLeast(float score)
    {
        int kept = 0;
        for (int block = 0; block < _maxima.Length; block++)
        {
            if (_maxima[block] < score) continue;
            int end = Math.Min(Vocabulary, (block + 1) * Block);
            for (int token = block * Block; token < end; token++)
            {
                if (_scores[token] >= score) _keys[kept++] = Key(token);
            }
        }

        (_listed, _ranked) = (kept, 0);
    }

    // Arithmetic on infinities and on what is no number gives neither order nor sums.
    private readonly struct FiniteOrLeast : IUnaryOperator
    {
        public static T Do<T>(T x)
            where T : unmanaged, ILanes<T> =>
            T.Select(T.AreEqual(x, x), T.Min(x, T.Create(float.MaxValue)), T.Create(float.NegativeInfinity));
    }
}
