using System.Text;
using Ration.Tokenizers;
using Ration.Tokenizers.Gguf;

namespace Ration.Tests.Tokenizers.Gguf;

public sealed class GgufVocabularyTests
{
    [Theory]
    [InlineData("gpt-2")]
    [InlineData("starcoder")]
    [InlineData("deepseek-llm")]
    [InlineData("llama-spm")]
    public void A_real_vocabulary_gives_the_expected_ids_and_the_text_back(string name)
    {
        string path = SharedVocabularies.Path(name);
        TextTokenizer tokenizer = GgufVocabulary.Read(new MiniMetadata(path));
        int cases = 0;
        foreach ((string text, int[] ids) in SharedVocabularies.Cases(path))
        {
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(text, tokenizer.Decode(ids));
            cases++;
        }

        Assert.InRange(cases, 40, 60);
    }
}
