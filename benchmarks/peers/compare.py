"""Trains the shape `small` with Ration and with PyTorch by turns and prints both, with ratios and machine facts.

    python3 benchmarks/peers/compare.py

A table goes to stdout; with --json, one JSON object instead. Both sides run as processes of their own. Peak memory is
the system's count of the whole process: for Ration taken from outside, for PyTorch as pytorch_train.py explains.
"""
import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import peer

HERE = pathlib.Path(__file__).resolve().parent
RATION = HERE.parent.parent / "src/Ration.Cli/bin/Release/net10.0/ration"
BATCH, SEQUENCE = 1024, 256


def write_text(path, size):
    """Text with something to learn: a fixed-seed vocabulary of words drawn with falling frequency."""
    generator = random.Random(1)
    words = ["".join(generator.choices("etaoinshrdlucmfwypvbgk", k=generator.randint(2, 9))) for _ in range(2000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    written = 0
    with open(path, "w") as f:
        while written < size:
            line = " ".join(generator.choices(words, weights, k=generator.randint(4, 18))).capitalize() + ".\n"
            written += f.write(line)


def run(command):
    """Runs a command; returns its JSON result with the peak resident bytes that the system counted for it."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        sys.exit(f"compare: exit code {process.returncode} from {' '.join(map(str, command))}")
    try:
        result = json.loads(text)
    except ValueError:
        sys.exit(f"compare: no JSON object on stdout from {' '.join(map(str, command))}: {text[:200]!r}")
    return dict(result, systemPeakBytes=usage.ru_maxrss * 1024)


def ration_command(arguments, data, output):
    return [
        arguments.ration, "train", "--model", "preset:small", "--data", data, "--steps", arguments.steps,
        "--batch", BATCH, "--sequence", SEQUENCE, "--memory", arguments.memory, "--threads", arguments.threads,
        "--json", "--output", output]


def pytorch_command(arguments):
    return [
        sys.executable, HERE / "pytorch_train.py", "--batch-rows", BATCH // SEQUENCE, "--sequence", SEQUENCE,
        "--steps", arguments.steps, "--threads", arguments.threads, "--tuning", arguments.tuning]


def alternate(arguments, data, folder):
    """Rounds of both sides, the one that goes first changing, so that a drift of the machine touches both alike."""
    results = dict(ration=[], pytorch=[])
    for number in range(arguments.rounds):
        sides = ("ration", "pytorch") if number % 2 == 0 else ("pytorch", "ration")
        for side in sides:
            command = pytorch_command(arguments) if side == "pytorch" else ration_command(
                arguments, data, pathlib.Path(folder) / f"output-{number}")
            result = run([str(part) for part in command])
            results[side].append(result)
            print(
                f"round {number + 1} {side}: {result['tokensPerSecond']:.1f} tokens/s, "
                f"{result['systemPeakBytes'] / 2**20:.0f} MiB, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return results


def summarize(results, arguments):
    def of(side, key):
        return peer.median([r[key] for r in results[side]])

    sides = dict(
        ration=dict(
            tokensPerSecond=of("ration", "tokensPerSecond"), peakBytes=of("ration", "systemPeakBytes"),
            reportedPeakBytes=of("ration", "measuredPeakBytes")),
        pytorch=dict(tokensPerSecond=of("pytorch", "tokensPerSecond"), peakBytes=of("pytorch", "peakBytes")))
    last = results["pytorch"][-1]
    return dict(
        sides,
        tokensPerSecondRatio=sides["ration"]["tokensPerSecond"] / sides["pytorch"]["tokensPerSecond"],
        peakBytesRatio=sides["ration"]["peakBytes"] / sides["pytorch"]["peakBytes"],
        rounds=arguments.rounds, steps=arguments.steps, batch=BATCH, sequence=SEQUENCE, memory=arguments.memory,
        machine=dict(
            cpu=peer.cpu_model(), cores=len(os.sched_getaffinity(0)), threads=arguments.threads,
            torch=last["torch"], tuning=arguments.tuning, blas=last["blas"]))


def print_table(summary):
    print(f"{'':24}{'Ration':>14}{'PyTorch':>14}{'ratio':>9}")
    ration, pytorch = summary["ration"], summary["pytorch"]
    print(f"{'tokens a second':24}{ration['tokensPerSecond']:14.1f}{pytorch['tokensPerSecond']:14.1f}"
          f"{summary['tokensPerSecondRatio']:9.3f}")
    print(f"{'peak memory, MiB':24}{ration['peakBytes'] / 2**20:14.0f}{pytorch['peakBytes'] / 2**20:14.0f}"
          f"{summary['peakBytesRatio']:9.3f}")
    print(f"{'as it reports it, MiB':24}{ration['reportedPeakBytes'] / 2**20:14.0f}")
    machine, blas = summary["machine"], summary["machine"]["blas"]
    print(f"medians of {summary['rounds']} rounds of {summary['steps']} steps of {BATCH} tokens, rows of {SEQUENCE}; "
          f"Ration within {summary['memory']}")
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['threads']} threads; torch {machine['torch']} "
          f"({machine['tuning']}) with {blas['name']} {blas.get('core', '')}".rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ration", type=pathlib.Path, default=RATION, help="the built tool")
    parser.add_argument("--data", type=pathlib.Path, help="a text file; default: one made up here")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--memory", default="1900MiB", help="Ration's budget")
    parser.add_argument("--json", action="store_true")
    peer.add_arguments(parser)
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.steps < 3:
        parser.error("at least one round and three steps")
    if not os.access(arguments.ration, os.X_OK):
        parser.error(f"no tool at {arguments.ration}: build it with `dotnet build -c Release src/Ration.Cli`, or name it")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data
        if data is None:
            data = pathlib.Path(folder) / "text.txt"
            write_text(data, 1 << 20)
        summary = summarize(alternate(arguments, data, folder), arguments)
    if arguments.json:
        print(json.dumps(summary, indent=2))
    else:
        print_table(summary)


if __name__ == "__main__":
    main()
