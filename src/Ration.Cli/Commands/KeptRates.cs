using Ration.Cli.Output;
using Ration.Devices;
using Ration.Devices.Cpu;
using Ration.Execution;
using Ration.Memory;
using Ration.Planning;
using Ration.Training.Calibration;

namespace Ration.Cli.Commands;

/// <summary>The rates of this machine: those that <c>ration bench</c> kept, or measured in passing.</summary>
internal static class KeptRates
{
    /// <summary>What was kept for a device, or null.</summary>
    public static MachineRates? Of(IDevice device) => MachineRatesFile.TryLoad(MachineRatesFile.DefaultPath, device.Description);

    /// <summary>Two rates, measured now, on a device of its own: measuring replaces a device's memory.</summary>
    public static MachineRates Measure(int threads)
    {
        using CpuDevice probe = new(threads);
        return MachineMeasurement.Measure(probe);
    }

    /// <summary>Measures each kind of operation and keeps the times for plans to come.</summary>
    public static void Calibrate(int threads, ByteSize memory, CancellationToken cancellation)
    {
        if (MachineRatesFile.DefaultPath is not { } path) return;
        using CpuDevice device = new(threads);
        Log.Line("training small models for a few steps, to predict the time of plans …");
        MachineRates rates = MachineCalibration.Measure(() => new CpuDevice(threads), memory, cancellation);
        try
        {
            MachineRatesFile.Save(path, device.Description, rates);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException)
        {
            Log.Line($"the times cannot be kept, so plans go by nominal rates: {e.Message}");
            return;
        }

        Log.Line($"times of {Counted.Of(rates.Measured.Count, "kind")} of operations are kept in {path}");
    }
}
