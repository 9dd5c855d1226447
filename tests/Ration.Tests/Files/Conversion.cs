using Ration.Files;

namespace Ration.Tests.Files;

/// <summary>Conversions that end with their test.</summary>
internal static class Conversion
{
    public static IReadOnlyList<string> ToGguf(StoredModel model, string path, ModelConversionOptions? options = null) =>
        ModelConverter.ToGguf(model, path, options, TestContext.Current.CancellationToken);

    public static void ToHuggingFace(StoredModel model, string folder, ModelConversionOptions? options = null) =>
        ModelConverter.ToHuggingFace(model, folder, options, TestContext.Current.CancellationToken);
}
