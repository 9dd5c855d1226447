using System.Text;
using Ration.Data;
using Ration.Tests.Files;

namespace Ration.Tests.Data;

public sealed class TextCorpusTests
{
    [Fact]
    public void A_folder_gives_its_text_files_in_ordinal_order_of_their_paths()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["b.txt", "a/z.md", "a.txt", "a-b/c.cs", "B.txt", "a/sub/deep/x.txt"];
        foreach (string name in names) folder.Write(name, "text of " + name);
        var corpus = TextCorpus.Open(folder.Path);
        Assert.Equal(["B.txt", "a-b/c.cs", "a.txt", "a/sub/deep/x.txt", "a/z.md", "b.txt"],
            corpus.Documents.Select(d => Path.GetRelativePath(folder.Path, d.Path)));
        Assert.All(corpus.Documents, d => Assert.Equal(new FileInfo(d.Path).Length, d.Bytes));
        Assert.Equal(corpus.Documents.Sum(d => d.Bytes), corpus.Bytes);
        Assert.Equal(default, corpus.Skipped);
    }

    [Fact]
    public void Files_that_are_no_text_and_folders_that_are_no_source_are_left_out_and_counted()
    {
        using var folder = new TemporaryFolder();
        folder.Write("good.txt", "good");
        folder.Write("empty.txt", "");
        folder.Write("nul.bin", [65, 0, 65]);
        folder.Write("latin1.txt", [65, 0xE4, 65]);
        folder.Write("half.txt", [65, 0xE4, 0xB8]);
        foreach (string hidden in (string[])["bin", "obj", ".git", "node_modules", "sub/.cache"]) folder.Write(hidden + "/x.txt", "hidden");
        var corpus = TextCorpus.Open(folder.Path);
        Assert.Equal([folder["good.txt"]], corpus.Documents.Select(d => d.Path));
        Assert.Equal(new SkippedFiles(Empty: 1, Binary: 3, Unreadable: 0, Repeated: 0, Folders: 5), corpus.Skipped);
        Assert.Equal("1 empty, 3 binary, 5 folders", corpus.Skipped.ToString());
    }

    [Fact]
    public void Folders_that_hold_a_model_are_no_text()
    {
        using var folder = new TemporaryFolder();
        folder.Write("good.txt", "good");
        folder.Write("trained/config.json", "{}");
        folder.Write("trained/model.safetensors", "weights");
        folder.Write("begun/notes.txt", "notes");
        folder.Write("begun/checkpoint.safetensors", "state");
        Assert.Equal([folder["good.txt"]], TextCorpus.Open(folder.Path).Documents.Select(d => d.Path));
    }

    [Fact]
    public void A_hidden_or_built_file_is_taken_if_it_is_named()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(".cache/obj/x.txt", "text");
        Assert.Single(TextCorpus.Open(path).Documents);
        Assert.Single(TextCorpus.Open(folder[".cache/obj"]).Documents);
    }

    [Fact]
    public void The_folder_to_leave_out_is_not_entered_where_it_is_met_however_it_is_written()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "out", "deeper"));
        File.WriteAllText(Path.Combine(folder.Path, "kept.txt"), "kept");
        File.WriteAllText(Path.Combine(folder.Path, "out", "config.json"), "{}");
        File.WriteAllText(Path.Combine(folder.Path, "out", "deeper", "note.txt"), "note");
        string[] all = [folder.Path];
        Assert.Equal(3, TextCorpus.Open(all).Documents.Count);
        string output = Path.Combine(folder.Path, "out");
        foreach (string written in (string[])[output, output + "/", Path.Combine(folder.Path, "elsewhere", "..", "out")])
            Assert.Equal("kept.txt", Path.GetFileName(Assert.Single(TextCorpus.Open(all, written).Documents).Path));
    }

    [Fact]
    public void A_file_named_twice_counts_once()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("x.txt", "text");
        var corpus = TextCorpus.Open(path, folder.Path, path);
        Assert.Single(corpus.Documents);
        Assert.Equal(2, corpus.Skipped.Repeated);
    }

    [Fact]
    public void A_character_cut_by_the_end_of_the_probe_is_text_and_a_fault_behind_it_is_not_looked_for()
    {
        using var folder = new TemporaryFolder();
        for (int shift = 0; shift < 4; shift++)
        {
            byte[] emoji = Encoding.UTF8.GetBytes(new string('a', shift) + string.Concat(Enumerable.Repeat("\U0001F600", 3000)));
            folder.Write($"cut{shift}.txt", emoji);
        }

        byte[] late = Encoding.UTF8.GetBytes(new string('a', 9000));
        late[8999] = 0;
        folder.Write("late.txt", late);
        byte[] cutShort = Encoding.UTF8.GetBytes(new string('a', 8191) + "é")[..8192];
        folder.Write("exact.txt", [.. cutShort[..8191], 0xFF]);
        var corpus = TextCorpus.Open(folder.Path);
        Assert.Equal(5, corpus.Documents.Count);
        Assert.Equal(1, corpus.Skipped.Binary);
    }

    [Fact]
    public void Links_may_loop_dangle_or_lead_to_files()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("links need a privilege on Windows");
        using var folder = new TemporaryFolder();
        string target = folder.Write("outside/long.txt", new string('x', 5000));
        folder.Write("data/a.txt", "a");
        Directory.CreateSymbolicLink(folder["data/loop"], folder["data"]);
        Directory.CreateSymbolicLink(folder["data/up"], folder.Path);
        File.CreateSymbolicLink(folder["data/self"], folder["data/self"]);
        File.CreateSymbolicLink(folder["data/dangling"], folder["none"]);
        File.CreateSymbolicLink(folder["data/link.txt"], target);
        var corpus = TextCorpus.Open(folder["data"]);
        Assert.Equal([1L, 5000L], corpus.Documents.Select(d => d.Bytes));
        Assert.Equal(new SkippedFiles(Empty: 0, Binary: 0, Unreadable: 2, Repeated: 0, Folders: 2), corpus.Skipped);
        Directory.CreateSymbolicLink(folder["named"], folder["data"]);
        Assert.Equal(2, TextCorpus.Open(folder["named"]).Documents.Count);
    }

    [Fact]
    public void Unusable_data_is_named_with_its_reason()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["nothing"]);
        folder.Write("binary/a.bin", [0]);
        folder.Write("empty/a.txt", "");
        folder.Write("mixed/a.txt", "");
        folder.Write("mixed/b.bin", [0]);
        Fails(folder["none"], "there is no such file or folder");
        Fails(folder["nothing"], "there are no files");
        Fails(folder["binary"], "there are only binary files");
        Fails(folder["binary/a.bin"], "there are only binary files");
        Fails(folder["empty"], "there are only empty files");
        Fails(folder["mixed"], "1 empty, 1 binary");
        Assert.Throws<InvalidInputException>(() => TextCorpus.Open());
        Assert.Throws<InvalidInputException>(() => TextCorpus.Open(""));

        static void Fails(string path, string reason)
        {
            InvalidInputException error = Assert.Throws<InvalidInputException>(() => TextCorpus.Open(path));
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Ten_gigabytes_of_text_are_opened_without_memory_for_them()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("huge.txt", new string('a', 10_000));
        using (FileStream stream = File.OpenWrite(path)) stream.SetLength(10_000_000_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        var corpus = TextCorpus.Open(folder.Path);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Equal(10_000_000_000, corpus.Bytes);
    }
}
