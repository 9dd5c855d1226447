using Ration.Graphs;

namespace Ration.Tests.Architecture;

/// <summary>The rooms of the house: each may use only those before it.</summary>
public sealed class RoomTests
{
    private static readonly string[] s_rooms =
    [
        "Memory", "Tensors", "Graphs", "Devices", "Planning", "Execution", "Models", "Optimizers", "Files", "Tokenizers", "Data", "Training", "Inference",
    ];

    [Fact]
    public void No_room_uses_a_room_after_it() => Assert.Empty(BackwardArrows(s_rooms));

    [Fact]
    public void An_arrow_that_runs_back_is_found()
    {
        string[] wrong = ["Devices", .. s_rooms.Where(static r => r != "Devices")];
        Assert.Contains("Ration.Devices.Instruction uses Ration.Graphs.Node", BackwardArrows(wrong));
        string[] late = [.. s_rooms.Where(static r => r != "Optimizers"), "Optimizers"];
        Assert.Contains("Ration.Training.TrainingGraph uses Ration.Optimizers.UpdateBuilder", BackwardArrows(late));
    }

    [Fact]
    public void Every_type_is_in_a_room() =>
        Assert.Equal([], OwnTypes().Where(static t => RoomOf(t, s_rooms) == int.MaxValue).Select(static t => t.FullName));

    [Fact]
    public void References_in_declarations_and_code_are_seen()
    {
        HashSet<Type> used = AssemblyReferences.Of(typeof(Ration.Training.Trainer));
        Assert.Contains(typeof(Ration.Training.TrainingPlan), used);
        Assert.Contains(typeof(Ration.Execution.Executor), used);
        Assert.Contains(typeof(Ration.Models.WeightInitialization), used);
        Assert.Contains(typeof(Phase), AssemblyReferences.Of(typeof(Ration.Execution.Executor)));
        Assert.Contains(typeof(Op), AssemblyReferences.Of(typeof(Ration.Graphs.Ops.MatMul)));
    }

    private static SortedSet<string> BackwardArrows(string[] rooms)
    {
        SortedSet<string> wrong = new(StringComparer.Ordinal);
        foreach (Type type in OwnTypes())
        {
            int room = RoomOf(type, rooms);
            foreach (Type used in AssemblyReferences.Of(type).Where(u => IsOwn(u) && RoomOf(u, rooms) > room)) wrong.Add($"{Outer(type)} uses {Outer(used)}");
        }

        return wrong;
    }

    private static IEnumerable<Type> OwnTypes() => typeof(Graph).Assembly.GetTypes().Where(IsOwn);

    // The compiler puts its helpers outside of the project's names; a namespace without a room is for what all rooms may use.
    private static bool IsOwn(Type type) => type.Namespace?.StartsWith("Ration", StringComparison.Ordinal) == true;

    private static int RoomOf(Type type, string[] rooms)
    {
        if (type.Namespace == "Ration") return -1;
        int room = Array.IndexOf(rooms, type.Namespace!.Split('.')[1]);
        return room < 0 ? int.MaxValue : room;
    }

    private static string Outer(Type type) => type.DeclaringType is { } outer ? Outer(outer) : type.FullName!;
}
