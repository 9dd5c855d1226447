using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;
using Ration.Tensors;

namespace Ration.Planning.Passes;

/// <summary>
/// Where only some layers are trained in a step, lets only what those read wait for the backward pass (Ardakani et al. 2023, "SlimFit": dynamic activations).
/// What the backward pass reads only under conditions of such layers goes into a slot where the forward pass reads it last, if one of them holds, and
/// is read from there. Slots lie one after another in the order in which they are filled, so that there is room for the largest
/// inputs of as many layers as are trained at once, and no more is lost between large and small ones. Layers that read the same input share a slot.
/// Exact, unless it shortens.
/// </summary>
/// <param name="layers">For the name of each layer's weight a scalar of the host, not zero where it is trained.</param>
/// <param name="atOnce">How many of them are not zero in a step, at the most.</param>
/// <param name="shortens">
/// Whether inputs that are longer than others go into slots in fixed point of 8 bits, and of what a norm reads only the largest tenth of each row, counted
/// from its mean, waits outside of slots: as much as its gain does not need.
/// </param>
public sealed class InputSlots(IReadOnlyDictionary<string, Value> layers, int atOnce, bool shortens = false) : IGraphPass
{
    private const double KeptOfNorm = 0.1;

    private readonly HashSet<int> _scalars = [.. layers.Values.Select(static v => v.Id)];

    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        Graph conditional = new ConditionalWork().Apply(graph);
        List<Waiting> waiting = Find(conditional);
        if (waiting.Count <= atOnce) return graph;
        if (shortens)
        {
            long shortest = waiting.Min(static w => w.Value.Shape.Elements);
            waiting = [.. waiting.Select(w => w with { IsShort = !w.IsOfNorm && w.Value.Shape.Elements > shortest })];
        }

        long bytes = waiting.Select(static w => w.Bytes).OrderDescending().Take(atOnce).Sum();
        return new Rewriting(conditional, waiting, bytes).Apply();
    }

    // Results of the forward pass that only nodes of trained layers read in the backward pass, or only norms.
    private List<Waiting> Find(Graph graph)
    {
        int[] lastForward = new int[graph.NextValueId];
        Array.Fill(lastForward, -1);
        var readers = new List<Node>?[graph.NextValueId];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            foreach (Value input in graph.Nodes[i].Inputs)
            {
                if (graph.Nodes[i].Pass == Pass.Forward) lastForward[input.Id] = i;
                else (readers[input.Id] ??= []).Add(graph.Nodes[i]);
            }
        }

        HashSet<int> outputs = [.. graph.Outputs.Select(static v => v.Id)];
        List<Waiting> waiting = [];
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            if (graph.Nodes[i] is not { Pass: Pass.Forward, Condition: null } node) continue;
            foreach (Value value in node.Outputs)
            {
                if (value is not { DType: DType.F32, Kind: MemoryKind.Activations, Shape.Rank: > 0 } || outputs.Contains(value.Id) || readers[value.Id] is not { } all) continue;
                int before = lastForward[value.Id] > i ? lastForward[value.Id] : i + 1;
                if (Scalars(all, LayerOf) is { } trained) waiting.Add(new Waiting(value, before, trained, Share(all), false, false));

                // After the norm, because it finds the mean.
                else if (shortens && Scalars(all, n => GainOf(n, value)) is { } gains)
                    waiting.Add(new Waiting(value, Math.Max(lastForward[value.Id], i) + 1, gains, (double)atOnce / layers.Count, true, false));
            }
        }

        return waiting;
    }

    private static Value[]? Scalars(List<Node> readers, Func<Node, Value?> of)
    {
        Value?[] scalars = [.. readers.Select(of)];
        return Array.Exists(scalars, static s => s is null) ? null : [.. scalars.DistinctBy(static s => s!.Id).Select(static s => s!)];
    }

    private static double Share(List<Node> readers) => Math.Min(1, readers.Sum(static n => n.Condition!.Share));

    private Value? LayerOf(Node node) => node.Condition?.All.FirstOrDefault(c => c.Range is null && _scalars.Contains(c.Scalar.Id))?.Scalar;

    // The scalar of a norm's gain, where the node is its gradient and reads the value as its input and as nothing else.
    private Value? GainOf(Node node, Value value)
    {
        if (node.Op is not (RmsNormGradient { FromOutput: false } or LayerNormGradient { FromOutput: false })) return null;
        bool reads = node.Inputs[1].Id == value.Id && node.Inputs.Count(v => v.Id == value.Id) == 1 && node.Inputs[2].Shape.Elements == value.Shape[^1];
        return reads ? layers.GetValueOrDefault(node.Inputs[2].Name) : null;
    }

    // A value, the node before which it is stored, and the scalars of the layers that need it whole.
    private sealed record Waiting(Value Value, int StoreBefore, IReadOnlyList<Value> Layers, double Share, bool IsOfNorm, bool IsShort)
    {
        public long Bytes => IsShort ? Value.Shape.Elements : Value.Bytes;
    }

    private sealed class Rewriting(Graph graph, List<Waiting> waiting, long bytes)
    {
        private static readonly ToFixedPoint s_short = new(8, 4);

        private readonly GraphEditor _editor = new(graph);
        private readonly Dictionary<int, (Waiting Waiting, Value Start, Value End, Value Stored, IReadOnlyList<Value> Largest)> _places = [];
        private readonly Dictionary<int, Value?> _means = Means(graph);
        private Value? _slots;
        private Value? _end;

        public Graph Apply()
        {
            ILookup<int, Waiting> storeBefore = waiting.ToLookup(static w => w.StoreBefore);
            for (int i = 0; i < graph.Nodes.Count; i++)
            {
                foreach (Waiting each in storeBefore[i]) Store(each, graph.Nodes[i]);
                Node node = graph.Nodes[i];
                if (node.Pass != Pass.Forward && node.Inputs.Any(v => _places.ContainsKey(v.Id))) node = Load(node);
                _editor.Nodes.Add(node);
            }

            return _editor.Build();
        }

        // Means that layer norms take of what they read; inverse deviations are all that others take.
        private static Dictionary<int, Value?> Means(Graph graph)
        {
            Dictionary<int, Value?> means = [];
            foreach (Node node in graph.Nodes.Where(static n => n.Op is LayerNormGradient { FromOutput: false })) means[node.Inputs[1].Id] = node.Inputs[3];
            return means;
        }

        private void Store(Waiting each, Node at)
        {
            if (_slots is null) Set(_editor.Emit(new EmptySlots(bytes), [], at, Pass.Forward, ("slots", MemoryKind.Activations), ("slots.end", MemoryKind.Activations)));
            Value start = _end!, value = each.Value, stored = each.IsShort ? Emit(s_short, [value], at, Pass.Forward, value.Name + ".fixed") : value;
            Set(_editor.Emit(new StoreInSlot(each.Share), [_slots!, start, stored, .. each.Layers], at, Pass.Forward, ("slots", MemoryKind.Activations), ("slots.end", MemoryKind.Activations)));
            _places[value.Id] = (each, start, _end!, stored, each.IsOfNorm ? KeepLargest(value, at) : []);
        }

        private IReadOnlyList<Value> KeepLargest(Value value, Node at)
        {
            KeepLargest op = new((int)Math.Max(1, Math.Ceiling(KeptOfNorm * value.Shape[^1])));
            return _editor.Emit(op, _means.GetValueOrDefault(value.Id) is { } mean ? [value, mean] : [value], at, Pass.Forward, (value.Name + ".largest", value.Kind),
                (value.Name + ".columns", value.Kind));
        }

        private Value Emit(Op op, IReadOnlyList<Value> inputs, Node at, Pass pass, string name) => _editor.Emit(op, inputs, at, pass, (name, MemoryKind.Activations))[0];

        // Each reader has its own, just before it, so that no more than one is out of its slot at a time.
        private Node Load(Node reader)
        {
            Dictionary<int, Value> loaded = [];
            int first = _editor.Nodes.Count;
            foreach (Value value in reader.Inputs.Where(v => _places.ContainsKey(v.Id)).DistinctBy(static v => v.Id))
            {
                (Waiting each, Value start, Value end, Value stored, IReadOnlyList<Value> largest) = _places[value.Id];
                Value[] otherwise = largest.Count == 0 ? [] : [Emit(
                    new PlaceLargest(value.Shape), _means.GetValueOrDefault(value.Id) is { } mean ? [.. largest, mean] : largest, reader, Pass.Backward, value.Name + ".of_largest")];
                Value back = Emit(new LoadFromSlot(stored.Shape, stored.DType), [_slots!, start, end, .. otherwise], reader, Pass.Backward, value.Name + ".from_slot");
                loaded[value.Id] = each.IsShort ? Emit(new FromFixedPoint(s_short.Bits, s_short.Fraction, value.Shape[^1]), [back], reader, Pass.Backward, value.Name + ".restored") : back;
            }

            for (int i = first; i < _editor.Nodes.Count; i++) _editor.Nodes[i] = _editor.Nodes[i] with { Condition = reader.Condition };
            return reader with { Inputs = [.. reader.Inputs.Select(v => loaded.GetValueOrDefault(v.Id, v))] };
        }

        private void Set(IReadOnlyList<Value> slots) => (_slots, _end) = (slots[0], slots[1]);
    }
}
