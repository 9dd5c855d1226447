using System.Text;

namespace Ration.Tokenizers.ChatTemplates.Jinja.Values;

/// <summary><c>x[start:stop:step]</c>, with Python's meaning of negative and too large bounds.</summary>
internal static class Slicing
{
    /// <summary>The part of a list, tuple or text.</summary>
    /// <param name="value">What is sliced.</param>
    /// <param name="start">First index, or null.</param>
    /// <param name="stop">Index behind the last, or null.</param>
    /// <param name="step">Step, or null for 1.</param>
    /// <param name="budget">What may be used.</param>
    /// <exception cref="TemplateFault">The value has no order, or a bound is no integer.</exception>
    public static object? Apply(object? value, object? start, object? stop, object? step, Budget budget)
    {
        if (value is Undefined undefined) throw undefined.Fault();
        if (value is not string and not SequenceValue { HasItems: true }) throw new TemplateFault($"{TypeNames.Of(value)} has no slices");
        long stride = Index(step) ?? 1;
        if (stride == 0) throw new TemplateFault("the step of a slice is 0");
        long length = Iteration.Length(value, budget);
        long first = Bound(start, length, stride, stride < 0 ? length - 1 : 0);
        long end = Bound(stop, length, stride, stride < 0 ? -1 : length);
        long count = stride > 0 ? Math.Max(0, (end - first + stride - 1) / stride) : Math.Max(0, ((first - end) - stride - 1) / -stride);
        if (value is string text) return OfText(text, length, first, stride, count);
        SequenceValue sequence = (SequenceValue)value!;
        budget.Steps(1 + count);
        object?[] items = new object?[count];
        for (long i = 0; i < count; i++) items[i] = sequence.Items[(int)(first + (i * stride))];
        return new SequenceValue(sequence.Kind, items);
    }

    private static string OfText(string text, long length, long first, long stride, long count)
    {
        if (count == 0) return "";
        if (stride == 1)
        {
            int from = PythonText.UnitOf(text, first);
            return text[from..PythonText.UnitOf(text, first + count)];
        }

        List<int> units = new((int)length);
        for (int i = 0; i < text.Length; i += PythonText.IsPair(text, i) ? 2 : 1) units.Add(i);
        StringBuilder part = new();
        for (long i = 0; i < count; i++)
        {
            int unit = units[(int)(first + (i * stride))];
            part.Append(text, unit, PythonText.IsPair(text, unit) ? 2 : 1);
        }

        return part.ToString();
    }

    private static long Bound(object? bound, long length, long stride, long otherwise)
    {
        if (Index(bound) is not long index) return otherwise;
        if (index < 0) index = Math.Max(index + length, -1);
        if (index < 0) return stride < 0 ? -1 : 0;
        return index >= length ? (stride < 0 ? length - 1 : length) : index;
    }

    // Strides beyond any length act as that length; so the sums above cannot overflow.
    private static long? Index(object? value) => value switch
    {
        null => null,
        bool flag => flag ? 1 : 0,
        long index => Math.Clamp(index, -int.MaxValue, int.MaxValue),
        Undefined undefined => throw undefined.Fault(),
        _ => throw new TemplateFault($"{TypeNames.Of(value)} cannot bound a slice"),
    };
}
