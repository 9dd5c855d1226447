using System.Diagnostics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;

namespace Ration.Tests.Devices.Cpu;

/// <summary>
/// Runs every test of the category Kernel again in processes that may not use AVX-512, AVX2, or any vector at all. Each of them
/// proves that the switch was obeyed; a switch that did nothing is a failure, not a pass.
/// </summary>
public sealed class InstructionSets
{
    /// <summary>Names, in the child's environment, the switch that must be off.</summary>
    private const string Expectation = "RATION_EXPECT_ISA";

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task Kernels_are_right_without(string name)
    {
        string assembly = typeof(InstructionSets).Assembly.Location;
        string host = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        var start = new ProcessStartInfo(File.Exists(host) ? host : "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        if (!File.Exists(host)) start.ArgumentList.Add(assembly);
        foreach (string argument in (string[])["-trait", "Category=Kernel", "-noColor"]) start.ArgumentList.Add(argument);
        start.Environment[name] = "0";
        start.Environment[Expectation] = name;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(5));
        using Process child = Process.Start(start) ?? throw new InvalidOperationException("the child did not start");
        try
        {
            Task<string> errors = child.StandardError.ReadToEndAsync(patience.Token);
            string output = await child.StandardOutput.ReadToEndAsync(patience.Token);
            await child.WaitForExitAsync(patience.Token);
            Assert.True(child.ExitCode == 0, $"exit code {child.ExitCode}\n{output}\n{await errors}");
            Match total = Regex.Match(output, @"Total: (\d+)");
            Assert.True(total.Success && int.Parse(total.Groups[1].Value, null) > 1, $"no kernel test ran\n{output}");
        }
        finally
        {
            if (!child.HasExited) child.Kill();
        }
    }

    [Fact]
    [Trait("Category", "Kernel")]
    public void The_switch_was_obeyed()
    {
        bool on = Environment.GetEnvironmentVariable(Expectation) switch
        {
            null => false,
            "DOTNET_EnableAVX512" => Avx512F.IsSupported || Vector512.IsHardwareAccelerated,
            "DOTNET_EnableAVX2" => Avx2.IsSupported || Vector256.IsHardwareAccelerated,
            "DOTNET_EnableHWIntrinsic" => Vector128.IsHardwareAccelerated,
            string other => throw new InvalidOperationException($"unknown switch {other}"),
        };
        Assert.False(on, "the instruction set is still in use");
    }
}
