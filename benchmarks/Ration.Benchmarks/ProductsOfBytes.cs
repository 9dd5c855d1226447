using System.Diagnostics;
using System.Globalization;
using Ration.Data;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Memory;
using Ration.Models;
using Ration.Planning;
using Ration.Planning.Passes;
using Ration.Tokenizers;
using Ration.Training;

namespace Ration.Benchmarks;

/// <summary>
/// Training with linear layers that multiply bytes beside the same run with floats: the two take steps in turn in one process. The time of a step,
/// of its products and of rounding weights, and how the losses go.
/// </summary>
internal static class ProductsOfBytes
{
    /// <summary>Runs: TEXT [--preset NAME] [--rows N] [--sequence N] [--steps N] [--threads N].</summary>
    public static int Run(string[] arguments)
    {
        if (arguments.Length == 0 || !File.Exists(arguments[0])) throw new InvalidInputException("give a text file");
        string preset = Options.Text(arguments, "--preset", "nano");
        int rows = Options.Number(arguments, "--rows", 8), sequence = Options.Number(arguments, "--sequence", 256), steps = Options.Number(arguments, "--steps", 300);
        int threads = Options.Number(arguments, "--threads", Environment.ProcessorCount);
        using TokenStore store = TokenStore.Create(TextCorpus.Open(arguments[0]), new ByteTokenizer());
        TrainingOptions options = new()
        {
            Model = Presets.Get(preset),
            Steps = steps,
            BatchTokens = rows * sequence,
            Sequence = sequence,
            MicroBatchRows = rows,
            Recompute = RecomputeMode.None,
            Memory = ByteSize.Parse("64GiB")
        };
        using Side floats = new(options, store, threads), bytes = new(options with { Products = ProductFormat.Int8 }, store, threads);
        for (int step = 0; step < steps; step++)
        {
            // Whichever is first now is second in the next step.
            (Side first, Side second) = step % 2 == 0 ? (floats, bytes) : (bytes, floats);
            first.Step();
            second.Step();
        }

        Console.WriteLine($"{preset}, {rows} x {sequence} tokens, {threads} threads, {steps} steps each");
        Console.WriteLine($"{"",-8} {"s/step",10} {"products",10} {"rounding",10} {"loss",8} {"held out",9}");
        foreach (Side side in (Side[])[floats, bytes]) Console.WriteLine(side);
        Write("steps", floats.Steps, bytes.Steps);
        Write("products with rounding", floats.Products, [.. bytes.Products.Zip(bytes.Rounding, static (a, b) => a + b)]);
        return 0;
    }

    // On a machine with other work the least time says more than the median.
    private static void Write(string what, IReadOnlyList<double> floats, IReadOnlyList<double> bytes) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{what,-24} {Median(floats) / Median(bytes):F2} times as fast by the medians, {floats.Min() / bytes.Min():F2} by the least"));

    private static double Median(IReadOnlyList<double> seconds) => seconds.Order().ElementAt(seconds.Count / 2);

    private sealed class Side : IDisposable
    {
        private readonly List<double> _steps = [], _products = [], _rounding = [], _losses = [];
        private readonly Trainer _trainer;
        private readonly string _name;

        public Side(TrainingOptions options, TokenStore store, int threads)
        {
            _name = options.Products.ToString();
            // The products that are rounded have weights as right factors; those of weights' gradients have activations.
            TimedDevice device = new(new CpuDevice(threads))
            {
                Observer = (node, seconds) =>
                {
                    if (node.Op is Graphs.Ops.QuantizeMatrix) _rounding[^1] += seconds;
                    else if (node.Op is Graphs.Ops.MatMul { TransposeA: false } && node.Block >= 0 && node.Pass != Graphs.Pass.Update) _products[^1] += seconds;
                },
            };
            _trainer = new Trainer(TrainingPlan.Create(options, device), new PackedBatches(store, options.Sequence, options.Seed));
            _trainer.Initialize();
        }

        public IReadOnlyList<double> Steps => _steps;

        public IReadOnlyList<double> Products => _products;

        public IReadOnlyList<double> Rounding => _rounding;

        public void Step()
        {
            _products.Add(0);
            _rounding.Add(0);
            long start = Stopwatch.GetTimestamp();
            _losses.Add(_trainer.Step());
            _steps.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        public void Dispose() => _trainer.Dispose();

        public override string ToString() => string.Create(CultureInfo.InvariantCulture,
            $"{_name,-8} {Median(_steps),10:F4} {Median(_products),10:F4} {Median(_rounding),10:F4} {_losses.TakeLast(20).Average(),8:F4} {_trainer.Evaluate(long.MaxValue).Loss,9:F4}");
    }
}
