using Ration.Graphs;

namespace Ration.Planning.Passes;

/// <summary>
/// Forgets chosen forward results and computes them again when the backward pass first needs them (Griewank and Walther 2000; Chen et
/// al. 2016, "Training Deep Nets with Sublinear Memory Cost"). Nodes are forgotten in groups: a group is computed again as a whole, from
/// what was kept, just before the first backward node that reads any of it. Results are bit for bit the same.
/// </summary>
/// <param name="groupOf">The group of a forward node, or null to keep its results. Groups must be runs of the forward order.</param>
public sealed class Recompute(Func<Node, int?> groupOf) : IGraphPass
{
    /// <summary>Forgets whole blocks (each computed again on its own) where <paramref name="chosen"/>, and elsewhere what is cheap.</summary>
    public static Recompute Blocks(Graph graph, Func<int, bool> chosen) => Parts(graph, block => chosen(block) ? RecomputedParts.Block : RecomputedParts.Cheap);

    /// <summary>
    /// The square-root schedule (Chen et al. 2016, section 4): of a segment of blocks only its first input is kept. Segments of k of the
    /// n blocks take n/k inputs and the results inside of k blocks, the least where k = √(n · input / results): a block holds many times
    /// its input, so segments are shorter than √n, and of one block unless the model is deep.
    /// </summary>
    public static Recompute SquareRoot(Graph graph, int blocks)
    {
        (long input, long results) = BytesOfBlock(graph, blocks / 2);
        double ideal = Math.Sqrt((double)blocks * input / Math.Max(1, results));
        int length = Math.Clamp((int)Math.Round(ideal), 1, Math.Max(1, blocks));
        return Parts(graph, block => block % length == 0 ? RecomputedParts.Block : RecomputedParts.Joined);
    }

    /// <summary>
    /// Forgets of each block what its letter says (<see cref="RecomputedParts"/>): nothing, what is cheap, its attention or its MLP (Korthikanti
    /// et al. 2022, "Reducing Activation Recomputation in Large Transformer Models", section 5, forget the attention alone), or all of it.
    /// </summary>
    /// <param name="graph">What is to be rewritten.</param>
    /// <param name="part">The letter of a block.</param>
    public static Recompute Parts(Graph graph, Func<int, char> part)
    {
        return Segments(graph, Segment, block => part(block) != RecomputedParts.Nothing);

        int? Segment(Node node) => part(node.Block) switch
        {
            RecomputedParts.Block => 3 * node.Block,
            RecomputedParts.Joined => 3 * FirstOfSegment(node.Block),
            RecomputedParts.Attention or RecomputedParts.Both when IsIn(node, ".attention") => (3 * node.Block) + 1,
            RecomputedParts.Mlp or RecomputedParts.Both when IsIn(node, ".mlp") => (3 * node.Block) + 2,
            _ => null,
        };

        int FirstOfSegment(int block)
        {
            while (block > 0 && part(block) == RecomputedParts.Joined) block--;
            return block;
        }

        static bool IsIn(Node node, string part) => node.Scope.EndsWith(part, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        Node?[] definitions = graph.Definitions();
        HashSet<int> forgotten = Forgotten(graph);
        Rewriting rewriting = new(graph, definitions, groupOf, forgotten);
        foreach (Node node in graph.Nodes) rewriting.Append(node);
        return graph with { Nodes = rewriting.Nodes, NextValueId = rewriting.NextValueId };
    }

    // Bytes that one block hands to the next, and bytes of its results that the backward pass reads.
    private static (long Input, long Results) BytesOfBlock(Graph graph, int block)
    {
        HashSet<int> handed = [.. graph.Nodes.Where(n => n.Pass == Pass.Forward && n.Block != block).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        HashSet<int> read = [.. graph.Nodes.Where(static n => n.Pass == Pass.Backward).SelectMany(static n => n.Inputs).Select(static v => v.Id)];
        Value[] results = [.. graph.Nodes.Where(n => n.Pass == Pass.Forward && n.Block == block).SelectMany(static n => n.Outputs)];
        return (results.Where(v => handed.Contains(v.Id)).Sum(static v => v.Bytes), results.Where(v => read.Contains(v.Id)).Sum(static v => v.Bytes));
    }

    // A block's result that the next segment starts from must be kept, or forgetting would chain back to the first block.
    private static Recompute Segments(Graph graph, Func<Node, int?> segmentOf, Func<int, bool> forgetsCheap)
    {
        int? Segment(Node node) => node.Block < 0 ? null : segmentOf(node);
        HashSet<Node> boundaries = new(ReferenceEqualityComparer.Instance);
        Node?[] definitions = graph.Definitions();
        foreach (Node node in graph.Nodes.Where(static n => n.Pass == Pass.Forward))
        {
            foreach (Value input in node.Inputs)
            {
                if (definitions[input.Id] is { Block: >= 0 } source && (source.Block != node.Block) && (Segment(source) != Segment(node) || Segment(node) is null))
                    boundaries.Add(source);
            }
        }

        Dictionary<Node, int> alone = new(ReferenceEqualityComparer.Instance);
        int next = 1 << 24;
        foreach (Node node in graph.Nodes.Where(n => n.Pass == Pass.Forward && n.Block >= 0 && n.Op.IsCheap && forgetsCheap(n.Block) && Segment(n) is null && !IsResidual(n))) alone[node] = next++;
        return new Recompute(node => boundaries.Contains(node) ? null : Segment(node) ?? (alone.TryGetValue(node, out int group) ? group : null));

        // Sums of the residual stream feed each other: forgetting one would recompute all before it.
        static bool IsResidual(Node node) => node.Op is Graphs.Ops.Add or Graphs.Ops.Embedding;
    }

    private HashSet<int> Forgotten(Graph graph)
    {
        HashSet<int> outputs = [.. graph.Outputs.Select(static v => v.Id)];
        HashSet<int> forgotten = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Pass != Pass.Forward || groupOf(node) is null || node.Outputs.Any(v => outputs.Contains(v.Id))) continue;
            forgotten.UnionWith(node.Outputs.Select(static v => v.Id));
        }

        return forgotten;
    }

    private sealed class Rewriting
    {
        private readonly Dictionary<int, Value> _again = [];
        private readonly Dictionary<int, List<Node>> _groups = [];
        private readonly HashSet<int> _needed;
        private readonly Node?[] _definitions;
        private readonly Func<Node, int?> _groupOf;
        private readonly HashSet<int> _forgotten;
        private int _sweep;

        public Rewriting(Graph graph, Node?[] definitions, Func<Node, int?> groupOf, HashSet<int> forgotten)
        {
            (_definitions, _groupOf, _forgotten, NextValueId) = (definitions, groupOf, forgotten, graph.NextValueId);
            foreach (Node node in graph.Nodes)
            {
                if (node.Pass != Pass.Forward || groupOf(node) is not { } group || !node.Outputs.Any(v => forgotten.Contains(v.Id))) continue;
                if (!_groups.TryGetValue(group, out List<Node>? members)) _groups[group] = members = [];
                members.Add(node);
            }

            _needed = Needed(graph);
        }

        public List<Node> Nodes { get; } = [];

        public int NextValueId { get; private set; }

        public void Append(Node node)
        {
            if (node.Pass == Pass.Forward)
            {
                Nodes.Add(node);
                return;
            }

            // What was computed again for one backward pass is not kept for the next.
            if (node.Sweep != _sweep) _again.Clear();
            _sweep = node.Sweep;
            Nodes.Add(node with { Inputs = Remap(node.Inputs) });
        }

        // Forgotten values that the backward pass reads, and those that computing them again reads.
        private HashSet<int> Needed(Graph graph)
        {
            HashSet<int> needed = [];
            Stack<int> open = new(graph.Nodes.Where(static n => n.Pass != Pass.Forward).SelectMany(static n => n.Inputs).Select(static v => v.Id));
            while (open.TryPop(out int id))
            {
                if (!_forgotten.Contains(id) || !needed.Add(id)) continue;
                foreach (Value input in _definitions[id]!.Inputs) open.Push(input.Id);
            }

            return needed;
        }

        private Value[] Remap(IReadOnlyList<Value> inputs)
        {
            var mapped = new Value[inputs.Count];
            for (int i = 0; i < mapped.Length; i++)
            {
                if (_forgotten.Contains(inputs[i].Id) && !_again.ContainsKey(inputs[i].Id)) ComputeAgain(_groupOf(_definitions[inputs[i].Id]!)!.Value);
                mapped[i] = _again.GetValueOrDefault(inputs[i].Id, inputs[i]);
            }

            return mapped;
        }

        private void ComputeAgain(int group)
        {
            foreach (Node node in _groups[group].Where(n => n.Outputs.Any(v => _needed.Contains(v.Id))))
            {
                Value[] inputs = Remap(node.Inputs);
                Value[] outputs = [.. node.Outputs.Select(v => v with { Id = NextValueId++ })];
                for (int i = 0; i < outputs.Length; i++) _again[node.Outputs[i].Id] = outputs[i];
                Nodes.Add(node with { Inputs = inputs, Outputs = outputs, Pass = Pass.Backward, Sweep = _sweep });
            }
        }
    }
}
