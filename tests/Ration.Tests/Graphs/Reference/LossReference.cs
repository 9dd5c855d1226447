using Ration.Graphs.Ops;
using Ration.Tensors;

namespace Ration.Tests.Graphs.Reference;

/// <summary>Head and loss with all logits.</summary>
internal static class LossReference
{
    /// <summary>
    /// scale · Σ over counted tokens of (1 − s)·nll + s·mean(−log p) + z·lse², and the log-sum-exp of every token; then the average logit of
    /// each class over counted tokens, or all logits before their cap, if they are asked for.
    /// </summary>
    public static double[][] Forward(LinearCrossEntropy op, double[][] x, Shape head)
    {
        (double[] h, double[] w, double[] targets, double scale) = (x[0], x[1], x[2], x[3][0]);
        int[] classes = Classes(head, x.Length == 5 ? x[4] : null);
        int counted = targets.Count(static t => t >= 0);
        double loss = 0;
        double[] logSumExp = new double[targets.Length], averages = new double[classes.Length];
        List<double> all = [];
        for (int token = 0; token < targets.Length; token++)
        {
            double[] plain = Logits(h, w, token, head, classes), logits = [.. plain.Select(z => Capped(z, op.SoftCap))];
            all.AddRange(plain);
            double lse = logSumExp[token] = LogSumExp(logits);
            if (targets[token] < 0) continue;
            for (int j = 0; j < classes.Length; j++) averages[j] += logits[j] / counted;
            double nll = lse - logits[Array.IndexOf(classes, (int)targets[token])], uniform = logits.Average(l => lse - l);
            loss += scale * (((1.0 - op.LabelSmoothing) * nll) + (op.LabelSmoothing * uniform) + (op.ZLoss * lse * lse));
        }

        return op.OrderVocabulary ? [[loss], logSumExp, averages] : op.KeepLogits ? [[loss], logSumExp, [.. all]] : [[loss], logSumExp];
    }

    /// <summary>Gradients of h and W, those wanted; W's on top of its running sum. A filter is taken to find nothing negligible.</summary>
    public static double[][] Backward(LinearCrossEntropyGradient op, double[][] x, Shape head)
    {
        (double[] h, double[] w, double[] targets, double scale) = (x[0], x[1], x[2], x[3][0]);
        int[] classes = Classes(head, op.Sampled ? x[op.ExtraInput] : null);
        int width = (int)head[1];
        double smoothing = op.Forward.LabelSmoothing;
        double[] dh = new double[h.Length], dw = op.AccumulateWeight ? [.. x[op.SumInput]] : new double[w.Length];
        for (int token = 0; token < targets.Length; token++)
        {
            if (targets[token] < 0) continue;
            double[] logits = [.. Logits(h, w, token, head, classes).Select(z => Capped(z, op.Forward.SoftCap))];
            double lse = LogSumExp(logits);
            for (int j = 0; j < classes.Length; j++)
            {
                double p = Math.Exp(logits[j] - lse), wanted = (classes[j] == (int)targets[token] ? 1 - smoothing : 0) + (smoothing / classes.Length);
                double slope = scale * ((p * (1 + (2 * op.Forward.ZLoss * lse))) - wanted);
                if (op.Forward.SoftCap > 0) slope *= 1 - (logits[j] / op.Forward.SoftCap * logits[j] / op.Forward.SoftCap);
                for (int i = 0; i < width; i++)
                {
                    dh[(token * width) + i] += slope * w[(classes[j] * width) + i];
                    dw[(classes[j] * width) + i] += slope * h[(token * width) + i];
                }
            }
        }

        List<double[]> outputs = [];
        if (op.NeedsHidden) outputs.Add(dh);
        if (op.NeedsWeight) outputs.Add(dw);
        return [.. outputs];
    }

    private static int[] Classes(Shape head, double[]? sample) =>
        sample is null ? [.. Enumerable.Range(0, (int)head[0])] : [.. sample.Select(static id => (int)id).TakeWhile(static id => id >= 0)];

    private static double[] Logits(double[] h, double[] w, int token, Shape head, int[] classes)
    {
        int width = (int)head[1];
        double[] logits = new double[classes.Length];
        for (int j = 0; j < classes.Length; j++)
        {
            for (int i = 0; i < width; i++) logits[j] += h[(token * width) + i] * w[(classes[j] * width) + i];
        }

        return logits;
    }

    private static double Capped(double z, double cap) => cap > 0 ? cap * Math.Tanh(z / cap) : z;

    private static double LogSumExp(double[] logits)
    {
        double greatest = logits.Max();
        return greatest + Math.Log(logits.Sum(l => Math.Exp(l - greatest)));
    }
}
