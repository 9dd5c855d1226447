using System.Diagnostics;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Xml.Linq;
using Ration.Tests.Files;

namespace Ration.Tests.Devices.Cpu;

/// <summary>
/// Runs every test of the category Kernel again in processes that may not use AVX-512, its wide registers, AVX2, or any vector at all. Each
/// of them proves that the switch was obeyed; a switch that did nothing is a failure, not a pass.
/// </summary>
public sealed class InstructionSets
{
    /// <summary>Names, in the child's environment, the switch that must be off.</summary>
    private const string Expectation = "RATION_EXPECT_ISA";

    private static readonly string[] s_places = ["Ration.Tests.Devices.Cpu.Kernels", "Ration.Tests.Devices.Cpu.MatrixProduct", "Ration.Tests.Tensors.Formats"];

    [Theory]
    [InlineData("DOTNET_EnableAVX512", "0")]
    [InlineData("DOTNET_PreferredVectorBitWidth", "256")]
    [InlineData("DOTNET_EnableAVX2", "0")]
    [InlineData("DOTNET_EnableHWIntrinsic", "0")]
    public async Task Kernels_are_right_without(string name, string value)
    {
        if (!IsOn(name)) Assert.Skip($"this machine has nothing that {name} could switch off");
        using TemporaryFolder folder = new();
        string report = Path.Combine(folder.Path, "report.xml");
        string assembly = typeof(InstructionSets).Assembly.Location;
        string host = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        var start = new ProcessStartInfo(File.Exists(host) ? host : "dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        if (!File.Exists(host)) start.ArgumentList.Add(assembly);
        foreach (string argument in (string[])["-trait", "Category=Kernel", "-noColor", "-xml", report]) start.ArgumentList.Add(argument);
        start.Environment[name] = value;
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
            Assert.Equal(KernelTests().Select(static test => $"{test.Class.FullName}.{test.Method.Name}").Order(StringComparer.Ordinal), Passed(report));
        }
        finally
        {
            if (!child.HasExited) child.Kill();
        }
    }

    [Fact]
    [Trait("Category", "Kernel")]
    public void The_switch_was_obeyed() =>
        Assert.False(Environment.GetEnvironmentVariable(Expectation) is { } name && IsOn(name), "the instruction set is still in use");

    [Fact]
    public void Every_test_of_kernels_and_formats_is_run_again()
    {
        IEnumerable<(Type Class, MethodInfo Method)> here = Tests().Where(static test => s_places.Any(place => IsIn(test.Class, place)));
        Assert.Empty(here.Except(KernelTests()).Select(static test => $"{test.Class.FullName}.{test.Method.Name}"));
        Assert.All(s_places, static place => Assert.True(KernelTests().Count(test => IsIn(test.Class, place)) > 10, $"no tests in {place}"));
    }

    private static bool IsOn(string name) => name switch
    {
        "DOTNET_EnableAVX512" => Avx512F.IsSupported || Vector512.IsHardwareAccelerated,
        "DOTNET_PreferredVectorBitWidth" => Vector512.IsHardwareAccelerated,
        "DOTNET_EnableAVX2" => Avx2.IsSupported || Vector256.IsHardwareAccelerated,
        "DOTNET_EnableHWIntrinsic" => Vector128.IsHardwareAccelerated,
        _ => throw new InvalidOperationException($"unknown switch {name}"),
    };

    private static IEnumerable<(Type Class, MethodInfo Method)> Tests() =>
        from type in typeof(InstructionSets).Assembly.GetTypes()
        where !type.IsAbstract || type.IsSealed
        from method in type.GetMethods()
        where method.IsDefined(typeof(FactAttribute))
        select (type, method);

    private static IEnumerable<(Type Class, MethodInfo Method)> KernelTests() =>
        Tests().Where(static test => test.Class.GetCustomAttributes<TraitAttribute>().Concat(test.Method.GetCustomAttributes<TraitAttribute>())
            .Any(static trait => (trait.Name, trait.Value) == ("Category", "Kernel")));

    private static bool IsIn(Type type, string place) => type.Namespace == place || (type.Namespace ?? "").StartsWith(place + ".", StringComparison.Ordinal);

    // Those of which a case ran, with every case that ran right.
    private static IEnumerable<string> Passed(string report) =>
        XDocument.Load(report).Descendants("test").Where(static test => (string?)test.Attribute("result") == "Pass")
            .Select(static test => $"{(string?)test.Attribute("type")}.{(string?)test.Attribute("method")}").Distinct().Order(StringComparer.Ordinal);
}
