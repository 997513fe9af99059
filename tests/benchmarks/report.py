"""The tables: what was measured, ratios, memory, versions; and what became slower."""

import json
import pathlib

from tests.benchmarks.engines import ENGINES
from tests.benchmarks.measure import ROOT
from tests.benchmarks.others import MATMUL_SIDE, OTHERS
from tests.benchmarks.workloads import WORKLOADS

PAGE = ROOT / "docs" / "speed.md"
RATIOS = pathlib.Path(__file__).with_name("ratios.json")
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"
SLOWER = 1.3
OURS = "npkeras"
OTHER_UNITS = ("(MB)", "(count)")  # at the end of the names of what is not a time


def tables(runs):
    """Everything, as Markdown that can be read as it stands.

    `runs` maps each workload to `{"machine": ..., "results": [...]}`.
    """
    training = {name: runs[name] for name in WORKLOADS if name in runs}
    rest = {name: runs[name] for name in OTHERS if name in runs}
    parts = []
    if training:
        parts += ["### One training step: median (minimum)", training_table(training)]
        parts += ["Ratios of medians, npkeras / peer: below 1 npkeras is faster."]
        parts += [ratio_table(training)]
        parts += ["Peak memory of the process, MB:", memory_table(training)]
    if rest:
        parts += ["### Other than training: median (minimum)", other_table(rest)]
        parts += ["Ratios of medians, npkeras / peer:", ratio_table(rest)]
    parts += [conditions(runs)]
    return "\n\n".join(parts) + "\n"


def training_table(runs):
    engines = columns(runs)
    rows = []
    for name, run in runs.items():
        found = by_engine(run)
        cells = [cell(found.get(engine), "step") for engine in engines]
        rate = matmul_rate(run)
        rows.append(
            [name, *cells, shown(floor(WORKLOADS[name].multiply_adds, rate)) if rate else ""]
        )
    return table(["workload", *engines, "floor"], rows)


def memory_table(runs):
    engines = columns(runs)
    rows = []
    for name, run in runs.items():
        peaks = {engine: result["peak_mb"] for engine, result in by_engine(run).items()}
        rows.append([name, *(f"{peaks[e]:.0f}" if e in peaks else "" for e in engines)])
    return table(["workload", *engines], rows)


def other_table(runs):
    engines = columns(runs)
    rows = []
    for name, run in runs.items():
        found = by_engine(run)
        for what in measured_names(run):
            cells = [cell(found.get(engine), what) for engine in engines]
            rows.append([label(name, what), *cells])
    return table(["workload", *engines], rows)


def ratio_table(runs):
    peers = [engine for engine in columns(runs) if engine != OURS]
    rows = [
        [label, *(f"{by_peer[p]:.2g}" if p in by_peer else "" for p in peers)]
        for label, by_peer in ratios(runs).items()
    ]
    return table(["npkeras /", *peers], rows)


def ratios(runs):
    """Of the medians of npkeras and of each peer, by what was measured; only of times."""
    found = {}
    for name, run in runs.items():
        results = by_engine(run)
        for what in measured_names(run):
            medians = {
                engine: result["measured"][what]["median"]
                for engine, result in results.items()
                if what in result["measured"]
            }
            ours = medians.pop(OURS, None)
            if ours is not None and is_time(what):
                quotients = {peer: ours / theirs for peer, theirs in medians.items() if theirs > 0}
                if quotients:
                    found[label(name, what)] = quotients
    return found


def became_slower(now, before):
    """Lines that name the ratios that have grown by more than `SLOWER`, and a last line."""
    lines, compared = [], 0
    for what, by_peer in now.items():
        for peer, ratio in by_peer.items():
            stored = before.get(what, {}).get(peer)
            if stored is None or stored <= 0:
                continue
            compared += 1
            if ratio / stored > SLOWER:
                lines.append(
                    f"SLOWER: {what}: npkeras / {peer} is {ratio:.3g}, was {stored:.3g} "
                    f"({ratio / stored:.2f} times)"
                )
    if not compared:
        return ["No ratio is stored for what was measured: keep them with --write."]
    return [*lines, f"{len(lines)} of {compared} ratios grew by more than {SLOWER}."]


def floor(multiply_adds, rate):
    """Seconds that the multiply-adds take at a rate of so many in a second."""
    return multiply_adds / rate


def matmul_rate(run):
    """Multiply-adds per second in the fastest product of the run; None if it was not measured."""
    for result in run["results"]:
        if result["workload"] == "matmul":
            return MATMUL_SIDE**3 / result["measured"]["product"]["minimum"]
    return None


def by_engine(run):
    return {r["engine"]: r for r in run["results"] if r["workload"] != "matmul"}


def columns(runs):
    """The engines that have results, in the order of `ENGINES`."""
    present = {engine for run in runs.values() for engine in by_engine(run)}
    return [engine for engine in ENGINES if engine in present]


def measured_names(run):
    """What was measured, in the order in which the first engine that measured it did."""
    return list(dict.fromkeys(n for r in by_engine(run).values() for n in r["measured"]))


def label(workload, what):
    return workload if what in ("step", "import") else f"{workload}: {what}"


def is_time(what):
    return not what.endswith(OTHER_UNITS)


def cell(result, what):
    """Median and minimum of an engine's result, or nothing."""
    if result is None or what not in result["measured"]:
        return ""
    value = result["measured"][what]
    if not is_time(what):
        return f"{value['median']:,.0f}"
    if value["values"] == 1:
        return shown(value["median"])
    return f"{shown(value['median'])} ({shown(value['minimum'])})"


def shown(seconds):
    """A time in three digits, in s, ms or us."""
    size, unit = next(
        ((size, unit) for size, unit in ((1, "s"), (1e-3, "ms")) if abs(seconds) >= size),
        (1e-6, "us"),
    )
    count = seconds / size
    return f"{count:.3g} {unit}" if abs(count) < 100 else f"{count:.0f} {unit}"


def table(heads, rows):
    """A Markdown table with its columns aligned."""
    lines = [heads, *rows]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(heads))]
    rule = ["-" * width for width in widths[:1]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    padded = [
        [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))]
        for line in (heads, rule, *rows)
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in padded)


def conditions(runs):
    """Where, when, with which versions and threads; each thing that differs is named once."""
    lines = []
    machines = [run["machine"] for run in runs.values()]
    for key, words in (
        ("processor", "{}"),
        ("system", "{}"),
        ("date", "measured on {}"),
        ("rounds", "rounds: {}"),
        ("seconds", "epochs of about {} s"),
    ):
        lines.append("; ".join(words.format(v) for v in dict.fromkeys(m[key] for m in machines)))
    loads = [m["load"] for m in machines if m["load"] is not None]
    if loads:
        lines.append(
            f"load of the machine at the start of a workload {min(loads):.1f} to {max(loads):.1f}"
        )
    rates = [matmul_rate(run) for run in runs.values() if matmul_rate(run)]
    if rates:
        low, high = (2e-9 * rate for rate in (min(rates), max(rates)))
        lines.append(f"matmul {low:.0f} to {high:.0f} GFLOP/s")
    engines = dict.fromkeys(
        f"{engine}: " + ", ".join(f"{k} {v}" for k, v in versions.items())
        for engine, versions in engine_details(runs)
    )
    return ", ".join(lines) + ".\n\n" + "\n".join(f"- {line}" for line in engines)


def engine_details(runs):
    """Each engine with its versions and its threads."""
    for engine in columns(runs):
        for run in runs.values():
            result = by_engine(run).get(engine)
            if result:
                threads = {f"threads of {k}": v for k, v in result["threads"].items()}
                cores = threads.pop("threads of cores")
                yield engine, {**result["versions"], "cores": cores, **threads}


def titles():
    """The workloads and what they are."""
    everything = {**WORKLOADS, **OTHERS}
    return "\n".join(f"{name:10} {workload.title}" for name, workload in everything.items())


def stored_ratios():
    return json.loads(RATIOS.read_text()) if RATIOS.exists() else {}


def store_ratios(now):
    """Keep the ratios; those of what was not measured now stay."""
    kept = stored_ratios()
    for what, by_peer in now.items():
        kept[what] = {**kept.get(what, {}), **{peer: round(r, 5) for peer, r in by_peer.items()}}
    RATIOS.write_text(json.dumps(kept, indent=1) + "\n")


def write_page(runs):
    """Put the tables between the markers of docs/speed.md."""
    PAGE.write_text(between_markers(PAGE.read_text(encoding="utf-8"), tables(runs)), "utf-8")


def between_markers(page, text):
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}"
