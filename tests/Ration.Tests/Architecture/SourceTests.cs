using System.Text.RegularExpressions;

namespace Ration.Tests.Architecture;

/// <summary>Files and functions stay small enough to be read at once.</summary>
public sealed class SourceTests
{
    private const int MostLinesOfFile = 400, MostLinesOfFunction = 60, MostCharactersOfLine = 200;

    [Fact]
    public void Files_have_at_most_400_lines()
    {
        string[] files = [.. SourceCode.Files()];
        Assert.True(files.Length > 100);
        Assert.Equal([], files.Select(static f => (Name: Name(f), Lines: File.ReadLines(f).Count())).Where(static f => f.Lines > MostLinesOfFile).Select(static f => $"{f.Name} has {f.Lines}"));
    }

    [Fact]
    public void Functions_have_at_most_60_lines()
    {
        (string, string Header, int Line, int Lines)[] all =
            [.. SourceCode.Files().SelectMany(static f => SourceCode.Functions(SourceCode.Blank(File.ReadAllText(f))).Select(m => (Name(f), m.Header, m.Line, m.Lines)))];
        Assert.True(all.Length > 800, $"only {all.Length} functions were found");
        string[] tooLong = [.. all.Where(static m => m.Lines > MostLinesOfFunction).Select(static m => $"{m.Item1}({m.Line}): {m.Header} has {m.Lines} lines")];
        Assert.True(tooLong.Length == 0, string.Join("\n", tooLong));
    }

    [Fact]
    public void Lines_have_at_most_200_characters() =>
        Assert.Equal([], SourceCode.Files().SelectMany(static f => File.ReadLines(f).Select((line, n) => (Name: Name(f), Line: n + 1, line.Length)))
            .Where(static l => l.Length > MostCharactersOfLine).Select(static l => $"{l.Name}({l.Line}) has {l.Length}"));

    [Fact]
    public void No_type_is_partial() =>
        Assert.Empty(SourceCode.Files().Where(static f => Regex.IsMatch(SourceCode.Blank(File.ReadAllText(f)), @"\bpartial\b|^\s*#region", RegexOptions.Multiline)).Select(Name));

    [Fact]
    public void Native_memory_is_taken_in_one_place() =>
        Assert.Equal(["src/Ration/Memory/NativeAllocator.cs"],
            SourcesWith(@"NativeMemory\.(Aligned)?(Re)?Alloc|\bAllocHGlobal\b|\bAllocCoTaskMem\b|\bMemoryMappedFile\b"));

    // Whatever else is opened may be a pipe, which holds the program up, or a device without an end.
    [Fact]
    public void Files_that_a_user_names_are_opened_in_one_place() =>
        Assert.Equal(
            [
                "src/Ration.Cli/Chat/LineEditing/RawTerminal.cs", "src/Ration.Cli/RunLock.cs", "src/Ration.Cli/Tokens/InputText.cs",
                "src/Ration/Data/TextFileFinder.cs", "src/Ration/Data/TokenStoreBuilder.cs", "src/Ration/Execution/DiskMeasurement.cs",
                "src/Ration/Files/AtomicFile.cs", "src/Ration/Files/InputFile.cs", "src/Ration/Memory/MeasuredMemory.cs",
                "src/Ration/Training/Calibration/MachineRatesFile.cs",
            ],
            SourcesWith(@"\bFile\.(Read|Open)\w*\(|\bnew FileStream\(|\bFileStream \w+ = new\("));

    [Fact]
    public void Functions_are_found_and_measured()
    {
        const string Code = """
            namespace N;
            // class { in a comment
            public sealed record R(int A, Func<int> B) : I
            {
                private static readonly int[] s_table = [1, 2, Call(3)];
                public int P { get; } = Call(1);
                public int Q
                {
                    get => 1;
                }
                public R(int x)
                    : this(x, () => { return 1; })
                {
                    string s = $"{{ {(x > 0 ? "}" : "{")} {x:0}" + "\"{" + '{' + @"a""{";
                }
                public static int operator +(R a, R b) => a.A switch
                {
                    0 => 1,
                    _ => 2,
                };
                private sealed class Inner
                {
                    [Fact]
                    void F<T>()
                        where T : class
                    {
                        void Local()
                        {
                        }
                    }
                }
                int Last() => 3;
            }
            enum E { A, B }
            interface J { void Do(int x); }
            """;
        (string Header, int Line, int Lines)[] found = [.. SourceCode.Functions(SourceCode.Blank(Code))];
        Assert.Equal(["public R(int x)", "public static int operator +(R a, R b)", "void F<T>()", "int Last()", "void Do(int x)"], found.Select(static f => f.Header.Split('\n')[0]));
        Assert.Equal([(11, 5), (16, 5), (23, 8), (32, 1), (35, 1)], found.Select(static f => (f.Line, f.Lines)));
    }

    private static IEnumerable<string> SourcesWith(string pattern) => SourceCode.Files()
        .Select(static f => (Name: Name(f).Replace('\\', '/'), Text: SourceCode.Blank(File.ReadAllText(f))))
        .Where(f => f.Name.StartsWith("src/", StringComparison.Ordinal) && Regex.IsMatch(f.Text, pattern)).Select(static f => f.Name).Order(StringComparer.Ordinal);

    private static string Name(string path) => Path.GetRelativePath(SourceCode.Root, path);
}
