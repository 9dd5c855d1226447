using Ration.Files;

namespace Ration.Tests.Files;

public sealed class AtomicFileTests
{
    [Fact]
    public void What_was_written_is_there_and_nothing_else()
    {
        using var folder = new TemporaryFolder();
        string path = folder["a.bin"];
        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]));
        AtomicFile.Write(path, stream => stream.Write([4, 5]));
        Assert.Equal([4, 5], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(100_000)]
    public void Reserving_space_does_not_change_the_length(long expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder["a.bin"];
        AtomicFile.Write(path, stream => stream.Write([1, 2, 3]), expected);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }

    [Fact]
    public void An_exception_in_the_middle_keeps_the_old_file_and_leaves_no_temporary()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.bin", [9]);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[5000]);
            throw new InvalidOperationException("stop");
        }));
        Assert.Equal([9], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void While_writing_the_old_file_is_whole()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.bin", [9]);
        AtomicFile.Write(path, stream =>
        {
            stream.Write([1, 2, 3]);
            Assert.Equal([9], File.ReadAllBytes(path));
        });
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
    }

    [Fact]
    public void The_next_write_of_the_same_path_removes_what_a_killed_writer_left()
    {
        using var folder = new TemporaryFolder();
        string stale = folder.Write("a.bin.partial-999999", [7]);
        string own = folder.Write($"a.bin.partial-{Environment.ProcessId}", [7, 7, 7, 7]);
        string other = folder.Write("b.bin.partial-999999", [7]);
        string unrelated = folder.Write("a.bin.partial-notes", [7]);
        string alive = folder["a.bin.partial-999998"];
        using (var held = new FileStream(alive, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            AtomicFile.Write(folder["a.bin"], stream => stream.Write([1]));
            Assert.True(File.Exists(alive));
        }

        Assert.Equal([1], File.ReadAllBytes(folder["a.bin"]));
        Assert.False(File.Exists(stale));
        Assert.False(File.Exists(own));
        Assert.True(File.Exists(other));
        Assert.True(File.Exists(unrelated));
    }

    [Fact]
    public void A_full_disk_says_so_and_keeps_the_old_file()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs /dev/full");
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.bin", [9]);
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(path, _ =>
        {
            using var full = new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            full.Write([1]);
        }));
        Assert.Contains("the disk is full", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Equal([9], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    // Renaming a file over it would put a plain file in the place of the device.
    [Fact]
    public void A_device_is_not_replaced()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs /dev/full");
        Assert.Contains("no plain file", Assert.Throws<InvalidInputException>(() => AtomicFile.Write("/dev/full", _ => Assert.Fail("called"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_the_disk_has_is_refused_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.bin", [9]);
        IOException error = Assert.Throws<IOException>(() => AtomicFile.Write(path, _ => Assert.Fail("called"), expectedBytes: 1L << 50));
        Assert.Contains("the disk is full", error.Message, StringComparison.Ordinal);
        Assert.Contains("it needs 1024 TiB", error.Message, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_missing_folder_and_a_folder_in_the_way_are_input_errors()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder["none/a.bin"], _ => { }));
        Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder.Path, _ => { }));
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }
}
