"""The command line of the benchmarks: see `python -m tests.benchmarks --help`."""

import argparse
import json
import os
import pathlib
import time

from tests.benchmarks import architectures, engines, report
from tests.benchmarks.measure import ROOT, Settings, machine, measure
from tests.benchmarks.others import OTHERS
from tests.benchmarks.workloads import WORKLOADS

QUICK = ("mnist", "imdb", "ptb", "mlp", "narrow", "predict1", "import", "loop")
QUICK_ENGINES = ("npkeras", "keras-tensorflow")


def main():
    options = parse()
    runs = {}
    for file in options.read:
        runs |= json.loads(pathlib.Path(file).read_text())
    if options.workloads or not options.read:
        measure_all(options, runs)
    if not runs:
        raise SystemExit("Nothing was measured.")
    print("\n" + report.tables(runs))
    now = report.ratios(runs)
    if options.quick:
        print("\n".join(report.became_slower(now, report.stored_ratios())))
    if options.write:
        report.store_ratios(now)
        if not options.quick:
            report.write_page(runs)


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="npkeras beside Keras on its backends, plain PyTorch and scikit-learn.",
        epilog=f"The workloads:\n{report.titles()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("workloads", nargs="*", metavar="WORKLOAD", help="what to measure; all if none is named")
    add("--engines", help=f"out of {', '.join(engines.ENGINES)}; all that are installed")
    add(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="the interpreter for an engine, or for several: torch,keras-torch=PATH",
    )
    add("--json", metavar="FILE", help="write all that was measured there, after each workload")
    add(
        "--read",
        action="append",
        default=[],
        metavar="FILE",
        help="such a file, to report on instead, or together with the workloads named",
    )
    add("--rounds", type=int, help="how many turns each process has")
    add("--seconds", type=float, help="about how long an epoch is, and so the half of a turn")
    add(
        "--quick",
        action="store_true",
        help="a few workloads, briefly: has any ratio of ratios.json grown by more than "
        f"{report.SLOWER}?",
    )
    add(
        "--write",
        action="store_true",
        help="keep the ratios in ratios.json and, unless --quick, the tables in docs/speed.md",
    )
    options = parser.parse_args()
    unknown = set(options.workloads) - {*WORKLOADS, *OTHERS}
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}. {report.titles()}")
    return options


def measure_all(options, runs):
    """Measure what is asked for; keep it in `runs`, and in the file as soon as it is there."""
    default = Settings(rounds=3, seconds=0.25) if options.quick else Settings()
    settings = Settings(options.rounds or default.rounds, options.seconds or default.seconds)
    pythons = available(options)
    everything = QUICK if options.quick else (*WORKLOADS, *OTHERS)
    for workload in options.workloads or everything:
        start = time.perf_counter()
        where = machine(settings)
        results = measure(workload, pythons, settings)
        print(f"{workload}: {time.perf_counter() - start:.0f} s", flush=True)
        if results:
            runs[workload] = {"machine": where, "results": results}
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps(runs, indent=1) + "\n")


def available(options):
    """The engines asked for that are installed, with their interpreters; says which are not."""
    default = QUICK_ENGINES if options.quick else tuple(engines.ENGINES)
    wanted = options.engines.split(",") if options.engines else default
    unknown = set(wanted) - set(engines.ENGINES)
    if unknown:
        raise SystemExit(
            f"No such engine: {', '.join(sorted(unknown))}. There are {', '.join(engines.ENGINES)}."
        )
    pythons = {}
    for engine, python in engines.interpreters(options.python).items():
        if engine in wanted:
            lacking = engines.missing(engine, python, ROOT)
            if lacking:
                print(f"{engine} is left out: not installed for {python}: {lacking}")
            else:
                pythons[engine] = python
                if engine == "keras-tensorflow":
                    os.environ[architectures.PYTHON] = python
    return pythons


if __name__ == "__main__":
    main()
