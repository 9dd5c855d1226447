using System.CommandLine;
using System.Text;
using Ration.Cli.Output;
using Ration.Cli.Tokens;
using Ration.Tokenizers;

namespace Ration.Cli.Commands;

/// <summary><c>ration tokenize</c>: the tokens of a text, or the text of tokens.</summary>
internal static class TokenizeCommand
{
    private static readonly Option<string?> s_text = OptionFactory.Word("--text", "TEXT",
        "The text, or - for standard input without a line end at its very end; with --decode, token ids such as \"15043 3186\".");
    private static readonly Option<string?> s_file = OptionFactory.Path("--file", "FILE", "A file with the text, of any length, or - for standard input.");
    private static readonly Option<bool> s_decode = OptionFactory.Switch("--decode", "Turn token ids into text.");
    private static readonly Option<bool> s_special = OptionFactory.Switch("--special",
        "Take special tokens that the text spells out, such as <|im_start|>, as those tokens; with --decode, spell them out.");
    private static readonly Option<bool> s_addSpecial = OptionFactory.Switch("--add-special", "Add the tokens that begin and end a text, where the model's files say that texts have them.");

    /// <summary>The command.</summary>
    public static Command Create()
    {
        Command command = new("tokenize", "Turn text into the token ids of a model, or back. The model may be a vocabulary alone.")
        {
            CommonOptions.ModelFiles, CommonOptions.BaseModel, s_text, s_file, s_decode, s_special, s_addSpecial, CommonOptions.Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Interruption interruption = new();
        // Nobody looks whether to stop while a terminal or a pipe is waited for.
        if (InputText.StandardInput == parsed.GetValue(s_file) || InputText.StandardInput == parsed.GetValue(s_text)) interruption.AtOnce = EndInterrupted;
        using Stream input = OpenInput(parsed);
        ITokenizer tokenizer = ModelTokenizer.Describe(CommonOptions.ReadModelPath(parsed), parsed.GetValue(CommonOptions.BaseModel)).Tokenizer;
        using Stream output = StandardStream.OpenOutput();
        if (parsed.GetValue(s_decode))
        {
            Decode(parsed, tokenizer, input, output, interruption.Token);
            return ExitCode.Done;
        }

        try
        {
            Encode(parsed, tokenizer, input, output, interruption.Token);
            return ExitCode.Done;
        }
        catch (OperationCanceledException)
        {
            return EndInterrupted();
        }
    }

    // Tokens may have been written already, and nothing that is written after them would make them whole.
    private static int EndInterrupted() => Tool.Complain("interrupted; the list of tokens is not whole", ExitCode.Interrupted);

    private static void Encode(ParseResult parsed, ITokenizer tokenizer, Stream input, Stream output, CancellationToken cancellation)
    {
        bool json = parsed.GetValue(CommonOptions.Json);
        using TokenWriter writer = new(output, json);
        if (parsed.GetValue(s_special)) writer.Write(EncodeWhole(parsed, tokenizer, input));
        else TextStream.Encode(tokenizer, input, writer, parsed.GetValue(s_addSpecial), cancellation);
        writer.Finish();
    }

    // A special token may be spelt out anywhere, so the text is looked at as a whole.
    private static int[] EncodeWhole(ParseResult parsed, ITokenizer tokenizer, Stream input)
    {
        byte[] text = TextStream.ReadAll(input);
        bool add = parsed.GetValue(s_addSpecial);
        return tokenizer is TextTokenizer special
            ? special.Encode(text, new EncodingOptions { ParseSpecial = true, AddBeginning = add ? null : false, AddEnd = add ? null : false })
            : tokenizer.Encode(text);
    }

    private static void Decode(ParseResult parsed, ITokenizer tokenizer, Stream input, Stream output, CancellationToken cancellation)
    {
        bool special = parsed.GetValue(s_special);
        if (!parsed.GetValue(CommonOptions.Json))
        {
            TokenStream.Decode(tokenizer, input, output, special, cancellation);
            if (!Console.IsOutputRedirected) output.WriteByte((byte)'\n');
            return;
        }

        using MemoryStream bytes = new();
        TokenStream.Decode(tokenizer, input, bytes, special, cancellation);
        StandardOutput.WriteJson(json => json.Text("text", Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length)));
    }

    private static Stream OpenInput(ParseResult parsed)
    {
        string? text = parsed.GetValue(s_text), file = parsed.GetValue(s_file);
        if (text is not null && file is not null) throw new InvalidInputException("--text and --file exclude each other; give one of them");
        if (text == InputText.StandardInput) return new MemoryStream(InputText.ReadBytes("--text", text));
        if (text is not null) return new MemoryStream(Encoding.UTF8.GetBytes(text));
        if (file is null) throw new InvalidInputException("there is nothing to tokenize; give --text TEXT, --file FILE, or --file - for standard input");
        return InputText.Open("--file", file);
    }
}
