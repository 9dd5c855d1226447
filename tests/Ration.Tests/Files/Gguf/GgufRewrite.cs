using System.Runtime.InteropServices;
using Ration.Files;
using Ration.Files.Gguf;
using Ration.Tensors;

namespace Ration.Tests.Files.Gguf;

/// <summary>GGUF files with other metadata and other tensors, as other writers make them.</summary>
internal static class GgufRewrite
{
    /// <summary>Copies a file.</summary>
    /// <param name="from">The file.</param>
    /// <param name="to">The copy.</param>
    /// <param name="metadata">Sets what is to be otherwise.</param>
    /// <param name="more">Vectors that the copy has besides.</param>
    public static void Save(string from, string to, Action<GgufWriter>? metadata = null, params (string Name, float[] Numbers)[] more) => Save(from, to, metadata, static _ => true, more);

    /// <summary>Copies a file without some of its tensors.</summary>
    public static void SaveWithout(string from, string to, Func<string, bool> isLeftOut) => Save(from, to, null, name => !isLeftOut(name), []);

    private static void Save(string from, string to, Action<GgufWriter>? metadata, Func<string, bool> isKept, (string Name, float[] Numbers)[] more)
    {
        using GgufFile file = GgufFile.Open(from);
        StoredTensor[] tensors = [.. file.Tensors.Where(t => isKept(t.Name))];
        GgufWriter writer = new();
        foreach (GgufEntry entry in file.Metadata.Entries) writer.Copy(file.Metadata, entry.Key);
        metadata?.Invoke(writer);
        foreach ((string name, float[] numbers) in more) writer.Declare(name, DType.F32, new Shape(numbers.Length));
        foreach (StoredTensor tensor in tensors) writer.Declare(tensor.Name, tensor.DType, tensor.Shape);
        writer.Save(to, output =>
        {
            foreach ((string name, float[] numbers) in more) output.Write(name, MemoryMarshal.AsBytes(numbers.AsSpan()));
            foreach (StoredTensor tensor in tensors)
            {
                byte[] bytes = new byte[tensor.Bytes];
                file.Read(tensor, 0, bytes);
                output.Write(tensor.Name, bytes);
            }
        });
    }
}
