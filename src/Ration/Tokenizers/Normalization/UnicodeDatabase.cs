using System.Globalization;
using System.Reflection;

namespace Ration.Tokenizers.Normalization;

/// <summary>
/// Decompositions, combining classes and compositions of the Unicode Character Database. The class library leaves text as it is when it
/// runs without a culture library, as it does here, so the tables are our own.
/// </summary>
internal sealed class UnicodeDatabase
{
    /// <summary>Flag: NFD changes it.</summary>
    public const byte Decomposes = 1;

    /// <summary>Flag: NFKD changes it.</summary>
    public const byte DecomposesCompatibly = 2;

    /// <summary>Flag: its combining class is not zero.</summary>
    public const byte Combines = 4;

    /// <summary>Flag: NFC changes it even when alone.</summary>
    public const byte NeverComposed = 8;

    /// <summary>Flag: NFKC changes it even when alone.</summary>
    public const byte NeverComposedCompatibly = 16;

    /// <summary>Flag: it may join the character before it.</summary>
    public const byte JoinsPrevious = 32;

    private const string ResourceName = "UnicodeDecompositions.txt";
    private const int Limit = 0x30000;
    private const int HangulBase = 0xAC00, LeadBase = 0x1100, VowelBase = 0x1161, TailBase = 0x11A7;
    private const int Leads = 19, Vowels = 21, Tails = 28, Syllables = Leads * Vowels * Tails;

    private static readonly Lazy<UnicodeDatabase> s_instance = new(static () => new UnicodeDatabase());

    private readonly byte[] _flags = new byte[Limit];
    private readonly byte[] _classes = new byte[Limit];
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<(int First, int Second), int> _compositions = [];

    private UnicodeDatabase()
    {
        var single = new Dictionary<int, (char Kind, int[] Parts)>();
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(ResourceName)
            ?? throw new InvalidOperationException($"the resource {ResourceName} is missing from the library");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) continue;
            if (line.StartsWith('@')) ReadClass(line);
            else ReadDecomposition(line, single);
        }

        foreach ((int point, (char kind, int[] parts)) in single) Add(point, kind, parts, single);
        AddHangul();
    }

    /// <summary>The tables, read from the library on first use.</summary>
    public static UnicodeDatabase Instance => s_instance.Value;

    /// <summary>What can happen to a character; zero for most.</summary>
    public byte Flags(int point) => point < Limit ? _flags[point] : (byte)0;

    /// <summary>Canonical_Combining_Class.</summary>
    public int CombiningClass(int point) => point < Limit ? _classes[point] : 0;

    /// <summary>Appends the whole decomposition of a character, or the character.</summary>
    public void Decompose(int point, bool compatible, List<int> output)
    {
        int syllable = point - HangulBase;
        if ((uint)syllable < Syllables)
        {
            output.Add(LeadBase + syllable / (Vowels * Tails));
            output.Add(VowelBase + syllable / Tails % Vowels);
            if (syllable % Tails != 0) output.Add(TailBase + syllable % Tails);
        }
        else if (compatible && _compatible.TryGetValue(point, out int[]? parts)) output.AddRange(parts);
        else if (_canonical.TryGetValue(point, out parts)) output.AddRange(parts);
        else output.Add(point);
    }

    /// <summary>The character that two join to, or −1.</summary>
    public int Compose(int first, int second)
    {
        if ((uint)(first - LeadBase) < Leads && (uint)(second - VowelBase) < Vowels)
            return HangulBase + ((first - LeadBase) * Vowels + second - VowelBase) * Tails;
        int syllable = first - HangulBase;
        if ((uint)syllable < Syllables && syllable % Tails == 0 && second > TailBase && second < TailBase + Tails)
            return first + second - TailBase;
        return _compositions.GetValueOrDefault((first, second), -1);
    }

    private static int Hex(ReadOnlySpan<char> text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static void ReadDecomposition(string line, Dictionary<int, (char Kind, int[] Parts)> single)
    {
        int mark = line.AsSpan().IndexOfAny('=', '!', '~');
        int[] parts = [.. line[(mark + 1)..].Split(' ').Select(static part => Hex(part))];
        single.Add(Hex(line.AsSpan(0, mark)), (line[mark], parts));
    }

    private void ReadClass(string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal), dash = line.IndexOf('-', StringComparison.Ordinal);
        byte value = byte.Parse(line.AsSpan(1, space - 1), CultureInfo.InvariantCulture);
        for (int point = Hex(line.AsSpan(space + 1, dash - space - 1)); point <= Hex(line.AsSpan(dash + 1)); point++)
        {
            _classes[point] = value;
            _flags[point] |= Combines;
        }
    }

    private void Add(int point, char kind, int[] parts, Dictionary<int, (char Kind, int[] Parts)> single)
    {
        List<int> canonical = [], compatible = [];
        Expand(point, false, single, canonical);
        Expand(point, true, single, compatible);
        if (kind != '~')
        {
            _canonical.Add(point, [.. canonical]);
            _flags[point] |= Decomposes;
        }

        _compatible.Add(point, [.. compatible]);
        _flags[point] |= DecomposesCompatibly;
        if (kind == '!') _flags[point] |= NeverComposed | NeverComposedCompatibly;
        if (!canonical.SequenceEqual(compatible)) _flags[point] |= NeverComposedCompatibly;
        if (kind != '=') return;
        _compositions.Add((parts[0], parts[1]), point);
        _flags[parts[1]] |= JoinsPrevious;
    }

    // The database's own decompositions are a few levels deep at most.
    private static void Expand(int point, bool compatible, Dictionary<int, (char Kind, int[] Parts)> single, List<int> output)
    {
        if (!single.TryGetValue(point, out (char Kind, int[] Parts) entry) || (entry.Kind == '~' && !compatible))
        {
            output.Add(point);
            return;
        }

        foreach (int part in entry.Parts) Expand(part, compatible, single, output);
    }

    private void AddHangul()
    {
        for (int i = 0; i < Syllables; i++) _flags[HangulBase + i] |= Decomposes | DecomposesCompatibly;
        for (int i = 0; i < Vowels; i++) _flags[VowelBase + i] |= JoinsPrevious;
        for (int i = 1; i < Tails; i++) _flags[TailBase + i] |= JoinsPrevious;
    }
}
