using Ration.Graphs;
using Ration.Graphs.Ops;
using Ration.Memory;

namespace Ration.Planning.Passes;

/// <summary>
/// Where only some layers are trained in a step, lets only what those read wait for the backward pass (Ardakani et al. 2023, "SlimFit": dynamic activations).
/// What the backward pass reads only under conditions of such layers goes into a slot where the forward pass reads it last, if one of them holds, and
/// is read from there. Slots lie one after another in the order in which they are filled, so that there is room for the largest
/// inputs of as many layers as are trained at once, and no more is lost between large and small ones. Layers that read the same input share a slot. Exact.
/// </summary>
/// <param name="layers">Scalars of the host, one for each layer: not zero where it is trained.</param>
/// <param name="atOnce">How many of them are not zero in a step, at the most.</param>
public sealed class InputSlots(IReadOnlyList<Value> layers, int atOnce) : IGraphPass
{
    private readonly HashSet<int> _layers = [.. layers.Select(static v => v.Id)];

    /// <inheritdoc/>
    public Graph Apply(Graph graph)
    {
        Graph conditional = new ConditionalWork().Apply(graph);
        List<Waiting> waiting = Find(conditional);
        long elements = waiting.Select(static w => w.Value.Shape.Elements).OrderDescending().Take(atOnce).Sum();
        return waiting.Count <= atOnce ? graph : new Rewriting(conditional, waiting, elements).Apply();
    }

    // Results of the forward pass that only nodes of trained layers read in the backward pass.
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
                if (value is not { DType: Tensors.DType.F32, Kind: MemoryKind.Activations, Shape.Rank: > 0 } || outputs.Contains(value.Id) || readers[value.Id] is not { } all) continue;
                NodeCondition?[] conditions = [.. all.Select(LayerOf)];
                if (Array.TrueForAll(conditions, static c => c is not null))
                    waiting.Add(new Waiting(value, lastForward[value.Id] > i ? lastForward[value.Id] : i + 1, [.. conditions.DistinctBy(static c => c!.Scalar.Id).Select(static c => c!)]));
            }
        }

        return waiting;
    }

    private NodeCondition? LayerOf(Node node) => node.Condition?.All.FirstOrDefault(c => c.Range is null && _layers.Contains(c.Scalar.Id));

    // A value, the node before which it is stored, and the layers that read it again.
    private sealed record Waiting(Value Value, int StoreBefore, IReadOnlyList<NodeCondition> Layers);

    private sealed class Rewriting(Graph graph, List<Waiting> waiting, long elements)
    {
        private readonly GraphEditor _editor = new(graph);
        private readonly Dictionary<int, (Value Start, Value End)> _places = [];
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

        private void Store(Waiting each, Node at)
        {
            if (_slots is null) Set(_editor.Emit(new EmptySlots(elements), [], at, Pass.Forward, ("slots", MemoryKind.Activations), ("slots.end", MemoryKind.Activations)));
            Value start = _end!;
            StoreInSlot op = new(Math.Min(1, each.Layers.Sum(static l => l.Share)));
            Set(_editor.Emit(op, [_slots!, start, each.Value, .. each.Layers.Select(static l => l.Scalar)], at, Pass.Forward, ("slots", MemoryKind.Activations), ("slots.end", MemoryKind.Activations)));
            _places[each.Value.Id] = (start, _end!);
        }

        // Each reader has its own, just before it, so that no more than one is out of its slot at a time.
        private Node Load(Node reader)
        {
            Dictionary<int, Value> loaded = [];
            foreach (Value value in reader.Inputs.Where(v => _places.ContainsKey(v.Id)).DistinctBy(static v => v.Id))
            {
                (Value start, Value end) = _places[value.Id];
                loaded[value.Id] = _editor.Emit(new LoadFromSlot(value.Shape), [_slots!, start, end], reader, Pass.Backward, (value.Name + ".from_slot", MemoryKind.Activations))[0];
                _editor.Nodes[^1] = _editor.Nodes[^1] with { Condition = reader.Condition };
            }

            return reader with { Inputs = [.. reader.Inputs.Select(v => loaded.GetValueOrDefault(v.Id, v))] };
        }

        private void Set(IReadOnlyList<Value> slots) => (_slots, _end) = (slots[0], slots[1]);
    }
}
