using System.Buffers.Binary;
using System.Text;
using Ration.EndToEnd.Tests.Support;

namespace Ration.EndToEnd.Tests;

/// <summary>Files are not trusted: a damaged one gives one line and exit code 2, and nothing is written over it.</summary>
public sealed class DamagedFileTests(TrainedModel trained)
{
    /// <summary>What can befall a file.</summary>
    public enum Damage
    {
        FlippedBit,
        FlippedLastByte,
        LastByteMissing,
        SecondHalfMissing,
        HeaderCutOff,
        Empty,
        HugeHeader,
        NegativeHeader,
        NotJson,
        RenamedTensor,
        Appended,
    }

    [Theory]
    [InlineData("\"steps_done\":\"10\"", "\"steps_done\":\"14\"")]
    [InlineData("\"micro_batch_rows\":\"4\"", "\"micro_batch_rows\":\"2\"")]
    [InlineData("\"micro_batch_rows\":\"4\"", "\"micro_batch_rows\":\"3\"")]
    [InlineData("\"release\":\"yes\"", "\"release\":\"yEs\"")]
    public void A_checkpoint_that_says_something_else_of_its_run_is_not_resumed_from(string said, string says)
    {
        using TestFolder folder = new();
        string output = folder.Copy(Trained()), path = Path.Combine(output, TrainingJob.Checkpoint);
        byte[] bytes = File.ReadAllBytes(path);
        int place = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(said));
        Assert.True(place > 0, $"no {said} in the checkpoint");
        Encoding.ASCII.GetBytes(says).CopyTo(bytes, place);
        File.WriteAllBytes(path, bytes);
        string[] before = TestFolder.Snapshot(output);
        Assert.Contains(TrainingJob.Checkpoint, ToolRun.Run(Resume(output)).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    [Fact]
    public void Pipes_and_devices_beside_a_model_are_not_waited_for()
    {
        using TestFolder folder = new();
        string model = folder.Copy(Trained());
        NamedPipe.Create(Path.Combine(model, "special_tokens_map.json"));
        File.CreateSymbolicLink(Path.Combine(model, "added_tokens.json"), "/dev/zero");
        File.CreateSymbolicLink(Path.Combine(model, "vocab.json"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(model, "merges.txt"), "merges.txt");
        ToolRun.Run("convert", "--model", model, "--output", folder["converted"]).AssertDone();
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(folder["converted"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        File.Delete(Path.Combine(model, "config.json"));
        NamedPipe.Create(Path.Combine(model, "config.json"));
        File.CreateSymbolicLink(folder["link"], Path.Combine(model, "config.json"));
        ToolRun.Run("inspect", folder["link"]).AssertRefusedAtOnce(2);
        Assert.Contains("there is no such file", ToolRun.Run("inspect", Path.Combine(model, "vocab.json")).AssertRefusedAtOnce(2), StringComparison.Ordinal);
        foreach (string[] command in (string[][])[["inspect", model], ["eval", "--model", model, "--data", trained.Data]])
            Assert.Contains("config.json", ToolRun.Run(command).AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_is_no_model_yet_is_named_as_one()
    {
        using TestFolder folder = new();
        string output = folder.Copy(Trained());
        File.Delete(Path.Combine(output, "config.json"));
        File.Delete(Path.Combine(output, TrainingJob.Model));
        string[][] commands = [["generate", "--prompt", "a"], ["chat"], ["eval", "--data", trained.Data], ["convert", "--output", folder["x.gguf"]], ["train", "--output", folder["x"]]];
        foreach (string[] arguments in commands)
        {
            string complaint = ToolRun.Run([.. arguments, "--model", output]).AssertRefusedAtOnce(2);
            Assert.Contains("step 10 of 10", complaint, StringComparison.Ordinal);
            Assert.Contains($"ration train --output {output} --resume", complaint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void An_undamaged_checkpoint_of_a_finished_run_resumes_to_the_same_files()
    {
        using TestFolder folder = new();
        string output = folder.Copy(Trained());
        string[] before = TestFolder.Snapshot(output);
        TrainingJob.Run(Resume(output));
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    [Theory]
    [MemberData(nameof(AllDamage))]
    public void A_damaged_checkpoint_is_not_resumed_from(Damage damage)
    {
        using TestFolder folder = new();
        string output = folder.Copy(Trained());
        Apply(damage, Path.Combine(output, TrainingJob.Checkpoint));
        string[] before = TestFolder.Snapshot(output);
        string complaint = ToolRun.Run(Resume(output)).AssertRefused(2);
        Assert.Contains(TrainingJob.Checkpoint, complaint, StringComparison.Ordinal);
        Assert.Contains("--overwrite", complaint, StringComparison.Ordinal);
        Assert.DoesNotContain("download", complaint, StringComparison.Ordinal);
        Assert.Equal(before, TestFolder.Snapshot(output));
    }

    [Theory]
    [InlineData(Damage.FlippedBit)]
    [InlineData(Damage.SecondHalfMissing)]
    [InlineData(Damage.HugeHeader)]
    [InlineData(Damage.RenamedTensor)]
    public void A_damaged_model_is_not_used(Damage damage)
    {
        using TestFolder folder = new();
        string model = folder.Copy(Trained());
        Apply(damage, Path.Combine(model, TrainingJob.Model));
        ToolResult result = ToolRun.Run("generate", "--model", model, "--prompt", "a", "--max-tokens", "2");
        Assert.Contains(TrainingJob.Model, result.AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("""{"model_type":"llama"}""")]
    [InlineData("""{"model_type":"nonesuch","hidden_size":128}""")]
    public void A_configuration_that_makes_no_sense_is_not_used(string configuration)
    {
        using TestFolder folder = new();
        string model = folder.Copy(Trained());
        File.WriteAllText(Path.Combine(model, "config.json"), configuration);
        ToolResult result = ToolRun.Run("generate", "--model", model, "--prompt", "a", "--max-tokens", "2");
        Assert.Contains("config.json", result.AssertRefusedAtOnce(2), StringComparison.Ordinal);
    }

    /// <summary>Every kind of damage.</summary>
    public static TheoryData<Damage> AllDamage => [.. Enum.GetValues<Damage>()];

    private string Trained()
    {
        trained.Result.AssertDone();
        return trained.Output;
    }

    private string[] Resume(string output) => [.. TrainingJob.Arguments(trained.Data, output, TrainedModel.Steps), "--resume", "--json"];

    private static void Apply(Damage damage, string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        byte[] damaged = Damaged(damage, bytes);
        Assert.False(bytes.AsSpan().SequenceEqual(damaged));
        File.WriteAllBytes(path, damaged);
    }

    private static byte[] Damaged(Damage damage, byte[] bytes)
    {
        switch (damage)
        {
            case Damage.FlippedBit:
                bytes = [.. bytes];
                bytes[bytes.Length / 4 * 3] ^= 1;
                return bytes;
            case Damage.FlippedLastByte:
                return [.. bytes[..^1], (byte)(bytes[^1] ^ 0x80)];
            case Damage.LastByteMissing:
                return bytes[..^1];
            case Damage.SecondHalfMissing:
                return bytes[..(bytes.Length / 2)];
            case Damage.HeaderCutOff:
                return bytes[..100];
            case Damage.Empty:
                return [];
            case Damage.HugeHeader:
                return WithHeaderLength(bytes, long.MaxValue);
            case Damage.NegativeHeader:
                return WithHeaderLength(bytes, -1);
            case Damage.NotJson:
                return [.. bytes[..8], (byte)'!', .. bytes[9..]];
            case Damage.RenamedTensor:
                return WithOtherName(bytes);
            case Damage.Appended:
                return [.. bytes, 0];
            default:
                throw new ArgumentOutOfRangeException(nameof(damage));
        }
    }

    private static byte[] WithHeaderLength(byte[] bytes, long length)
    {
        byte[] damaged = [.. bytes];
        BinaryPrimitives.WriteInt64LittleEndian(damaged, length);
        return damaged;
    }

    private static byte[] WithOtherName(byte[] bytes)
    {
        byte[] damaged = [.. bytes];
        int place = damaged.AsSpan().IndexOf(Encoding.ASCII.GetBytes("model.norm.weight"));
        Assert.True(place > 0);
        damaged[place] = (byte)'n';
        return damaged;
    }
}
