using System.Buffers.Binary;
using System.Text;
using Ration.Files;
using Ration.Files.Safetensors;
using Ration.Tensors;

namespace Ration.Tests.Files.Safetensors;

public sealed class SafetensorsTests
{
    [Fact]
    public void Everything_written_is_read_back()
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.safetensors"];
        var writer = new SafetensorsWriter();
        (string Name, DType DType, Shape Shape)[] tensors =
        [
            ("scalar", DType.F32, Shape.Scalar), ("odd", DType.BF16, new Shape(3, 5)), ("none", DType.F32, new Shape(0, 7)),
            ("counter \"ü\"\n", DType.I64, new Shape(1)), ("ids", DType.I32, new Shape(33)),
            ("big", DType.F16, new Shape(2, 3, 5, 100_003)), ("a", DType.F64, new Shape(3)), ("b", DType.I16, new Shape(3)), ("c", DType.I8, new Shape(3)),
            ("d", DType.U64, new Shape(3)), ("e", DType.U32, new Shape(3)), ("f", DType.U16, new Shape(3)), ("g", DType.U8, new Shape(3)),
            ("h", DType.Bool, new Shape(3)), ("i", DType.F8E4M3, new Shape(3)), ("j", DType.F8E5M2, new Shape(3)),
        ];
        foreach ((string name, DType type, Shape shape) in tensors) writer.Declare(name, type, shape);
        writer.SetMetadata("step", "17");
        writer.SetMetadata("text", "zwölf \u0001 \U0001F600");
        writer.Save(path, output =>
        {
            foreach ((string name, DType type, Shape shape) in tensors)
            {
                byte[] bytes = Bytes(name, shape.Elements * type.Bytes());
                output.Write(name, bytes.AsSpan(0, bytes.Length / 3));
                output.Write(name, bytes.AsSpan(bytes.Length / 3));
            }
        });

        Assert.Equal(writer.FileBytes, new FileInfo(path).Length);
        using var reader = SafetensorsReader.Open(path);
        Assert.Equal("17", reader.Metadata["step"]);
        Assert.Equal("zwölf \u0001 \U0001F600", reader.Metadata["text"]);
        Assert.Equal(tensors.Length, reader.Tensors.Count);
        Assert.Equal(0, reader.Tensors[0].Offset % 64);
        foreach ((string name, DType type, Shape shape) in tensors)
        {
            StoredTensor tensor = reader.Find(name)!;
            Assert.Equal((type, shape), (tensor.DType, tensor.Shape));
            Assert.Equal(0, tensor.Offset % type.Bytes());
            byte[] expected = Bytes(name, tensor.Bytes);
            byte[] actual = new byte[tensor.Bytes + 2];
            actual.AsSpan().Fill(0xA5);
            reader.Read(name, actual.AsSpan(1, (int)tensor.Bytes));
            Assert.Equal(expected, actual[1..^1]);
            Assert.Equal((0xA5, 0xA5), (actual[0], actual[^1]));
        }

        Assert.Equal(tensors.Length, reader.Verify(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_part_of_a_tensor_can_be_read_and_no_more_than_it_has()
    {
        using var folder = new TemporaryFolder();
        using var reader = SafetensorsReader.Open(Small(folder));
        StoredTensor tensor = reader.Find("a")!;
        byte[] part = new byte[5];
        reader.Read(tensor, 3, part);
        Assert.Equal(Bytes("a", 24)[3..8], part);
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Read(tensor, 20, part));
        Assert.Throws<ArgumentException>(() => reader.Read("a", part));
        Assert.True(reader.Contains("b"));
        Assert.Null(reader.Find("c"));
        Assert.Throws<FileFormatException>(() => reader.Read("c", part));
    }

    [Fact]
    public void Without_checksums_there_is_nothing_to_verify()
    {
        using var folder = new TemporaryFolder();
        string path = folder["plain.safetensors"];
        var writer = new SafetensorsWriter(checksums: false);
        writer.Declare("a", DType.F32, new Shape(2));
        writer.Save(path, output => output.Write("a", new byte[8]));
        using var reader = SafetensorsReader.Open(path);
        Assert.Empty(reader.Metadata);
        Assert.Equal(0, reader.Verify(TestContext.Current.CancellationToken));
    }

    [Fact]
    public void A_file_without_tensors_is_a_file()
    {
        using var folder = new TemporaryFolder();
        string path = folder["none.safetensors"];
        var writer = new SafetensorsWriter();
        writer.Save(path, _ => { });
        Assert.Equal(writer.FileBytes, new FileInfo(path).Length);
        using var reader = SafetensorsReader.Open(path);
        Assert.Empty(reader.Tensors);
    }

    [Fact]
    public void Verifying_finds_every_changed_byte()
    {
        using var folder = new TemporaryFolder();
        string path = Small(folder);
        byte[] good = File.ReadAllBytes(path);
        long start;
        using (var reader = SafetensorsReader.Open(path)) start = reader.Tensors[0].Offset;
        for (long i = start; i < good.Length; i++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[i] ^= (byte)(1 << (int)(i % 8));
            File.WriteAllBytes(path, bad);
            using var reader = SafetensorsReader.Open(path);
            Assert.Throws<FileFormatException>(() => reader.Verify(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public void An_incomplete_or_overfull_tensor_fails_and_keeps_the_old_file()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.safetensors", "old");
        var writer = new SafetensorsWriter();
        writer.Declare("a", DType.F32, new Shape(2));
        Assert.Throws<InvalidOperationException>(() => writer.Save(path, output => output.Write("a", new byte[7])));
        Assert.Throws<ArgumentException>(() => writer.Save(path, output => output.Write("a", new byte[9])));
        Assert.Throws<ArgumentException>(() => writer.Save(path, output => output.Write("b", new byte[8])));
        Assert.Throws<ArgumentException>(() => writer.Declare("a", DType.F32, new Shape(2)));
        Assert.Throws<ArgumentException>(() => writer.Declare("__metadata__", DType.F32, new Shape(2)));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 0, null)]
    [InlineData("""{}""", 0, null)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 7, "has only 7")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "belong to no tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "before they begin")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "but has 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", 8, "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}""", 8, "not two numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}""", 8, "not two numbers")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", 8, "63 bits")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}""", 0, "but has 0 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]}}""", 8, "more than 4 dimensions")]
    [InlineData("""{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,8]}}""", 8, "'F4'")]
    [InlineData("""{"a":{"dtype":1,"shape":[8],"data_offsets":[0,8]}}""", 8, "not a string")]
    [InlineData("""{"a":{"shape":[2],"data_offsets":[0,8]}}""", 8, "lacks its dtype")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "two entries dtype")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}""", 8, "unknown key 'x'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "two tensors are named 'a'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "overlaps")]
    [InlineData("""{"__metadata__":{"a":1}}""", 0, "not a string")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "two metadata entries")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", 0, "two metadata entries")]
    [InlineData("""{"a":[]}""", 0, "not a JSON object")]
    [InlineData("""{"\uD800":{}}""", 0, "not valid Unicode")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", 8, "not valid JSON")]
    [InlineData("""{} x""", 0, "not valid JSON")]
    [InlineData("""["a"]""", 0, "begin with '{'")]
    public void Headers_are_checked(string header, int dataBytes, string? fault)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.safetensors", FileOf(header, dataBytes));
        if (fault is null)
        {
            using var reader = SafetensorsReader.Open(path);
            foreach (StoredTensor tensor in reader.Tensors) reader.Read(tensor.Name, new byte[tensor.Bytes]);
            return;
        }

        FileFormatException error = Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path));
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        Assert.Equal(path, error.Path);
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 63)]
    [InlineData(long.MaxValue)]
    [InlineData(100_000_001UL)]
    [InlineData(99_000_000UL)]
    [InlineData(int.MaxValue)]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(51UL)]
    public void A_header_length_is_not_believed(ulong length)
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = FileOf("{}", 48);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        string path = folder.Write("a.safetensors", bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Names_are_of_bounded_length()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.safetensors", FileOf($"{{\"{new string('.', 4097)}\":{{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}}}", 0));
        Assert.Contains("4097 characters", Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_beyond_the_limit_is_refused_even_if_the_file_has_it()
    {
        using var folder = new TemporaryFolder();
        string path = folder["sparse.safetensors"];
        using (var stream = new FileStream(path, FileMode.CreateNew))
        {
            Span<byte> start = stackalloc byte[9];
            BinaryPrimitives.WriteUInt64LittleEndian(start, 5_000_000_000);
            start[8] = (byte)'{';
            stream.Write(start);
            stream.SetLength(10_000_000_000);
        }

        FileFormatException error = Assert.Throws<FileFormatException>(() => SafetensorsReader.Open(path));
        Assert.Contains("100000000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_empty_and_folder_are_input_errors_of_one_line()
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("empty\nfile", "");
        foreach (string path in (string[])[folder["none"], folder["no/ne"], empty, folder.Path])
        {
            InvalidInputException error = Assert.Throws<InvalidInputException>(() => SafetensorsReader.Open(path));
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    [Fact]
    public void Thousands_of_damaged_files_give_one_kind_of_error_and_little_memory()
    {
        using var folder = new TemporaryFolder();
        byte[] good = File.ReadAllBytes(Small(folder));
        int headerBytes = (int)BinaryPrimitives.ReadInt64LittleEndian(good) + 8;
        var random = new Random(20);
        string path = folder["fuzz.safetensors"];
        byte[] buffer = new byte[1 << 16];
        int refused = 0;
        for (int round = 0; round < 6000; round++)
        {
            byte[] bytes = Damage(good, headerBytes, random);
            File.WriteAllBytes(path, bytes);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var reader = SafetensorsReader.Open(path);
                foreach (StoredTensor tensor in reader.Tensors) reader.Read(tensor.Name, buffer.AsSpan(0, (int)tensor.Bytes));
                reader.Verify(TestContext.Current.CancellationToken);
            }
            catch (InvalidInputException)
            {
                refused++;
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        }

        Assert.InRange(refused, 4000, 5999);
    }

    private static byte[] Damage(byte[] good, int headerBytes, Random random)
    {
        byte[] bytes = (byte[])good.Clone();
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes; i++)
        {
            int at = random.Next(random.Next(4) switch { 0 => 8, 1 => bytes.Length, _ => Math.Min(headerBytes, bytes.Length) });
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes[at] = "0123456789{}[]\",:-e"u8[random.Next(19)]; break;
                case 3 when bytes.Length > 16: bytes = bytes[..random.Next(9, bytes.Length)]; break;
                case 4: bytes = [.. bytes[..at], .. bytes[random.Next(bytes.Length)..]]; break;
                default: bytes = [.. bytes[..at], .. "999"u8, .. bytes[at..]]; break;
            }

            if (bytes.Length == 0) return [0];
        }

        return bytes;
    }

    private static byte[] FileOf(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteInt64LittleEndian(file, json.Length);
        json.CopyTo(file, 8);
        return file;
    }

    private static string Small(TemporaryFolder folder)
    {
        string path = folder["small.safetensors"];
        var writer = new SafetensorsWriter();
        writer.Declare("a", DType.F32, new Shape(2, 3));
        writer.Declare("b", DType.BF16, new Shape(5));
        writer.SetMetadata("step", "3");
        writer.Save(path, output =>
        {
            foreach (StoredTensor tensor in output.Tensors) output.Write(tensor.Name, Bytes(tensor.Name, tensor.Bytes));
        });
        return path;
    }

    private static byte[] Bytes(string name, long count)
    {
        byte[] bytes = new byte[count];
        new Random(name.Length * 1000 + name[0]).NextBytes(bytes);
        return bytes;
    }
}
