using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Ration.Files.Gguf;
using Ration.Tokenizers;
using Ration.Tokenizers.Gguf;
using Ration.Tokenizers.HuggingFace;

namespace Ration.Benchmarks;

/// <summary>
/// Vocabularies that Ration has written, as <c>tokenizer.json</c> and from that as GGUF, read by llama.cpp's own program: the ids of every text must be
/// those that Ration finds. And how many bytes a second are encoded on one core, of a text and of one in many scripts.
/// </summary>
internal static class TokenizersAgainstLlamaCpp
{
    // Bytes of a measurement of our side; the other is so slow on some texts that it gets the text once.
    private const int SpeedBytes = 8 << 20;

    // Letters of several scripts, digits, signs, emoji.
    private static readonly (int First, int Count)[] s_scripts =
        [('a', 26), ('a', 26), ('a', 26), ('A', 26), ('0', 10), ('!', 15), (0xE0, 23), (0x3B1, 25), (0x430, 32), (0x627, 20), (0x905, 50), (0x3041, 80), (0x4E00, 2000), (0x1F600, 70)];

    /// <summary>Compares: LLAMA-TOKENIZE VOCABULARY.gguf … TEXT [--rounds N]. Texts of a file VOCABULARY.gguf.inp are compared too.</summary>
    public static int Run(string[] arguments)
    {
        string[] files = [.. arguments.Where(static a => a.EndsWith(".gguf", StringComparison.Ordinal))];
        int rounds = Options.Number(arguments, "--rounds", 5);
        if (files.Length == 0 || arguments.Length < files.Length + 2) throw new InvalidInputException("give the path of llama-tokenize, some .gguf files with vocabularies, and a text");
        byte[] text = File.ReadAllBytes(arguments[files.Length + 1]);
        byte[] mixed = Mixed(new Random(1), 1 << 20);
        Console.WriteLine($"{"",-28} {"texts",7} {"differ",7} {"ids",11} {"text MB/s",11} {"llama.cpp",11} {"ratio",7} {"mixed MB/s",11} {"llama.cpp",11} {"ratio",7}");
        return files.Sum(file => Compare(arguments[0], file, text, mixed, rounds)) == 0 ? 0 : 1;
    }

    // How many texts have other ids.
    private static int Compare(string peer, string file, byte[] text, byte[] mixed, int rounds)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("ration-tokenizers-");
        try
        {
            string written = Path.Combine(folder.FullName, "written.gguf"), input = Path.Combine(folder.FullName, "text");
            TextTokenizer tokenizer = Write(file, folder.FullName, written);
            byte[][] texts = [text, mixed, .. Texts(file)];
            int differing = 0;
            long ids = 0;
            foreach (byte[] one in texts)
            {
                File.WriteAllBytes(input, one);
                int[] ours = tokenizer.Encode(one, new EncodingOptions { AddBeginning = false, AddEnd = false });
                ids += ours.Length;
                if (ours.SequenceEqual(Ids(Tokenize(peer, written, input)))) continue;
                differing++;
                Console.WriteLine($"other ids: {Encoding.UTF8.GetString(one.AsSpan(0, Math.Min(one.Length, 200)))}");
            }

            string line = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(file),-28} {texts.Length,7} {differing,7} {ids,11:N0}");
            foreach (byte[] one in (byte[][])[text, mixed])
            {
                (double rate, double peerRate) = Rates(tokenizer, peer, written, input, one, rounds);
                line += string.Create(CultureInfo.InvariantCulture, $" {rate,11:0.0} {peerRate,11:0.0} {rate / peerRate,7:0.00}");
            }

            Console.WriteLine(line);
            return differing;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // Through a folder's files, so that both writers are looked at.
    private static TextTokenizer Write(string file, string folder, string written)
    {
        TokenizerDescription description = ModelTokenizer.Describe(file);
        TokenizerFolderWriter.Write(folder, description);
        TokenizerDescription read = ModelTokenizer.Describe(folder);
        GgufWriter writer = new();
        writer.SetString("general.architecture", "llama");
        GgufVocabularyWriter.Write(writer, read, read.Tokenizer.VocabularySize, file);
        writer.Save(written, static _ => { });
        return read.Tokenizer as TextTokenizer ?? new TextTokenizer(read.Tokenizer, []);
    }

    // Words of one script each, so that no word comes often: more work than a text of people.
    private static byte[] Mixed(Random random, int bytes)
    {
        StringBuilder text = new();
        while (text.Length < bytes / 2)
        {
            (int first, int count) = s_scripts[random.Next(s_scripts.Length)];
            for (int left = random.Next(1, 9); left > 0; left--) text.Append(new Rune(first + random.Next(count)));
            text.Append(random.Next(12) == 0 ? '\n' : ' ');
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static IEnumerable<byte[]> Texts(string file) => !File.Exists(file + ".inp") ? []
        : File.ReadAllText(file + ".inp").Split("\n__ggml_vocab_test__\n").Where(static t => t.Length > 0).Select(Encoding.UTF8.GetBytes);

    // Million bytes a second; the peer's without what it takes for a text of one letter.
    private static (double Ours, double Peer) Rates(TextTokenizer tokenizer, string peer, string written, string input, byte[] text, int rounds)
    {
        int times = Math.Max(1, SpeedBytes / text.Length);
        double[] ours = new double[rounds], peers = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            ours[round] = Seconds(EncodeOften) / times;
            File.WriteAllText(input, "a");
            double start = Seconds(() => Tokenize(peer, written, input));
            File.WriteAllBytes(input, text);
            peers[round] = Seconds(() => Tokenize(peer, written, input)) - start;
        }

        Array.Sort(ours);
        Array.Sort(peers);
        return (1e-6 * text.Length / ours[rounds / 2], 1e-6 * text.Length / peers[rounds / 2]);

        void EncodeOften()
        {
            for (int time = 0; time < times; time++) tokenizer.Encode(text, null);
        }
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static string Tokenize(string program, string vocabulary, string text)
    {
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-m", vocabulary, "-f", text, "--ids", "--no-bos", "--no-escape", "--no-parse-special", "--log-disable"]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginErrorReadLine();
        string said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? said : throw new InvalidInputException($"{program} does not read {vocabulary}; run it to see why");
    }

    private static IEnumerable<int> Ids(string said) =>
        Regex.Matches(said, "[0-9]+").Select(static m => int.Parse(m.Value, CultureInfo.InvariantCulture));
}
