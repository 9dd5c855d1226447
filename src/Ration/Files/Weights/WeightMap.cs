using System.Globalization;
using Ration.Models;
using Ration.Tensors;

namespace Ration.Files.Weights;

/// <summary>
/// Rows [<paramref name="ParameterRow"/>, +<paramref name="Rows"/>) of a parameter are the rows from <paramref name="TensorRow"/> on of a
/// stored tensor; its columns, where it is transposed. A vector counts as rows of one number, a stack of matrices as one matrix below another.
/// </summary>
/// <param name="Parameter">The canonical name.</param>
/// <param name="ParameterRow">First row in the parameter.</param>
/// <param name="Tensor">The stored tensor.</param>
/// <param name="TensorRow">First row (column) in it.</param>
/// <param name="Rows">How many.</param>
/// <param name="Transposed">Whether rows of the parameter are columns of the tensor.</param>
internal readonly record struct WeightLink(string Parameter, long ParameterRow, string Tensor, long TensorRow, long Rows, bool Transposed);

/// <summary>Which rows of a model's parameters are which rows of a file's tensors. One description serves for reading and for writing.</summary>
internal sealed class WeightMap
{
    private const string ExpertPlace = "{1}";
    private readonly Dictionary<string, Shape> _parameters = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<WeightLink>> _ofParameter = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<WeightLink>> _intoTensor = new(StringComparer.Ordinal);
    private readonly List<(string Name, Shape Shape)> _tensors = [];

    /// <summary>Maps parameters by the names of a kind of file.</summary>
    /// <param name="names">The names.</param>
    /// <param name="parameters">The canonical parameters.</param>
    public WeightMap(WeightNames names, IEnumerable<ParameterShape> parameters)
    {
        var placed = new Dictionary<string, List<(int Slot, ParameterShape Parameter, bool Transposed)>>(StringComparer.Ordinal);
        List<string> order = [];
        foreach (ParameterShape parameter in parameters)
        {
            WeightRule rule = names.RuleOf(parameter.Name);
            _parameters.Add(parameter.Name, parameter.Shape);
            if (!placed.TryGetValue(rule.Template, out var list))
            {
                placed.Add(rule.Template, list = []);
                order.Add(rule.Template);
            }

            list.Add((rule.Slot, parameter, rule.Transposed));
        }

        foreach (string template in order)
        {
            if (template.Contains(ExpertPlace, StringComparison.Ordinal)) AddExperts(template, placed[template][0].Parameter);
            else AddTensor(template, [.. placed[template].OrderBy(static p => p.Slot)]);
        }
    }

    /// <summary>All tensors with their shapes, in the order of the parameters.</summary>
    public IReadOnlyList<(string Name, Shape Shape)> Tensors => _tensors;

    /// <summary>All parameters with their shapes.</summary>
    public IReadOnlyDictionary<string, Shape> Parameters => _parameters;

    /// <summary>Rows of a parameter as the map counts them.</summary>
    public static long RowsOf(Shape shape) => shape.Rank == 1 ? shape[0] : shape.Rows;

    /// <summary>Numbers in a row as the map counts them.</summary>
    public static long ColumnsOf(Shape shape) => shape.Rank <= 1 ? 1 : shape[^1];

    /// <summary>The links of a parameter, by its rows.</summary>
    public IReadOnlyList<WeightLink> LinksOf(string parameter) => _ofParameter[parameter];

    /// <summary>The links that some rows of a parameter lie in, with the rows of the parameter that each has of them.</summary>
    public IEnumerable<(WeightLink Link, long First, int Count)> Overlapping(string parameter, long row, long rows)
    {
        foreach (WeightLink link in LinksOf(parameter))
        {
            long first = Math.Max(row, link.ParameterRow), count = Math.Min(row + rows, link.ParameterRow + link.Rows) - first;
            if (count > 0) yield return (link, first, (int)count);
        }
    }

    /// <summary>The links into a tensor, by its rows (columns).</summary>
    public IReadOnlyList<WeightLink> LinksInto(string tensor) => _intoTensor[tensor];

    private void AddExperts(string template, ParameterShape parameter)
    {
        long rows = parameter.Shape[1];
        for (int expert = 0; expert < parameter.Shape[0]; expert++)
        {
            string tensor = template.Replace(ExpertPlace, expert.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
            _tensors.Add((tensor, new Shape(rows, parameter.Shape[2])));
            Add(new WeightLink(parameter.Name, expert * rows, tensor, 0, rows, false));
        }
    }

    private void AddTensor(string tensor, (int Slot, ParameterShape Parameter, bool Transposed)[] parts)
    {
        long start = 0;
        foreach ((int _, ParameterShape parameter, bool transposed) in parts)
        {
            long rows = RowsOf(parameter.Shape);
            Add(new WeightLink(parameter.Name, 0, tensor, start, rows, transposed));
            start += rows;
        }

        Shape first = parts[0].Parameter.Shape;
        Shape shape = parts[0].Transposed ? new Shape(first[1], start) : parts.Length == 1 ? first : first.Rank == 1 ? new Shape(start) : new Shape(start, first[^1]);
        _tensors.Add((tensor, shape));
    }

    private void Add(WeightLink link)
    {
        ListOf(_ofParameter, link.Parameter).Add(link);
        ListOf(_intoTensor, link.Tensor).Add(link);
    }

    private static List<WeightLink> ListOf(Dictionary<string, List<WeightLink>> lists, string key)
    {
        if (!lists.TryGetValue(key, out List<WeightLink>? list)) lists.Add(key, list = []);
        return list;
    }
}
