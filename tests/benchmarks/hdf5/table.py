"""What was measured, as a table in docs/decisions/0005-reading-hdf5.md."""

from tests.benchmarks.hdf5 import fuzz
from tests.benchmarks.hdf5.switch import BARE
from tests.benchmarks.measure import ROOT

PAGE = ROOT / "docs" / "decisions" / "0005-reading-hdf5.md"
BEGIN, END = "<!-- readers -->", "<!-- end of readers -->"
READERS = ("h5py", "small")
TITLES = {
    "import": "import, beyond npkeras",
    "read large": "50 MB in 6 arrays: open and read all",
    "read many": "200 layers, 400 arrays: open and read all",
    "describe large": "50 MB: `describe`",
    "describe many": "200 layers: `describe`",
    "serve": "a process that loads a small `.keras` file and answers once",
}
ENDS = ("crash", "hang", "memory", "slow", "other error", "refused", "loaded")
WORDS = {"memory": "over 50 MB", "slow": "over 1 s", "other error": "error of another kind"}


def text(found):
    """Everything, as Markdown."""
    sizes = found["sizes"]
    lines = row("", "h5py behind checks", "small reader") + row("---", "---:", "---:")
    lines += row("installed, MB", *(f"{sizes[r]['bytes'] / 1e6:.2f}" for r in READERS))
    lines += row("lines of code of ours", *(str(sizes[r]["lines"]) for r in READERS))
    for what, by_reader in found["times"].items():
        cells = [f"{by_reader[r]['ms']:.3g} ms, {by_reader[r]['mb']:.1f} MB" for r in READERS]
        lines += row(TITLES[what], *cells)
    attacks = found["attacks"]
    cells = [f"{attacks[r]['refused']} of {attacks[r]['files']}" for r in READERS]
    lines += row("hostile files: refused", *cells)
    lines += row("hostile files: harm done", *(str(attacks[r]["harmful"]) for r in READERS))
    count = f"{found['files']:,}"
    parts = [lines, "", f"Spoilt files, {count} of each kind, and how opening them ended:", ""]
    parts[0] = lines.rstrip("\n")
    return "\n".join([*parts, spoilt(found), "", agreement(found), "", conditions(found)])


def row(*cells):
    return "| " + " | ".join(cells) + " |\n"


def spoilt(found):
    lines = row("", "reader", *(WORDS.get(end, end) for end in ENDS))
    lines += row("---", "---", *["---:"] * len(ENDS))
    for kind, ended in found["fuzz"].items():
        by_reader = {reader: ended[reader] for reader in READERS}
        if "bare" in found:
            by_reader[BARE] = found["bare"][kind]
        for reader, counts in by_reader.items():
            cells = [str(counts.get(end, 0)) for end in ENDS]
            lines += row(fuzz.KINDS[kind], reader, *cells)
    return lines.rstrip("\n")


def agreement(found):
    ended = found["fuzz"].values()
    both, differ, other = (
        sum(kind[key] for kind in ended) for key in ("both load", "differ", "small alone, other")
    )
    only = [sum(kind[f"only {reader}"] for kind in ended) for reader in READERS]
    return (
        f"Both loaded {both:,} of the spoilt files, {differ:,} of them with different numbers; "
        f"h5py alone loaded {only[0]:,}, the small reader alone {only[1]:,}, {other:,} of those "
        "with other numbers than the sound file holds."
    )


def conditions(found):
    where, versions = found["machine"], found["versions"]
    return (
        f"{where['processor']}, measured on {where['date']}: medians of {where['rounds']} "
        "processes, in time of the processor and memory added (of the last: the most that was "
        f"held). h5py {versions['h5py']} with HDF5 {versions['HDF5']}."
    )


def write(text):
    """Put the tables between the markers of the page."""
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")
