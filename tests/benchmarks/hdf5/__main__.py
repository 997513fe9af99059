"""The command line: see `python -m tests.benchmarks.hdf5 --help`."""

import argparse
import json
import pathlib

from tests.benchmarks.hdf5 import fuzz, measure, table


def main():
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.hdf5",
        description="HDF5 read by h5py behind checks, and by a small reader of our own.",
    )
    add = parser.add_argument
    add("--rounds", type=int, default=7, help="how many times each thing is measured")
    add("--files", type=int, default=2000, help="how many spoilt files of each kind are opened")
    add("--bare", action="store_true", help="also open those by the library without any guard")
    add("--json", metavar="FILE", help="write there what was measured")
    add("--read", metavar="FILE", help="such a file, to make the table of instead")
    add("--write", action="store_true", help=f"the table into {table.PAGE.name}")
    add("--open", nargs=4, help=argparse.SUPPRESS)  # the process that opens spoilt files
    add("--turn", nargs=3, help=argparse.SUPPRESS)  # the process that is measured
    options = parser.parse_args()
    if options.open:
        reader, path, start, count = options.open
        return fuzz.open_all(reader, path, int(start), int(count))
    if options.turn:
        return measure.turn(*options.turn)
    if options.read:
        found = json.loads(pathlib.Path(options.read).read_text())
    else:
        found = measure.everything(options.rounds, options.files)
    if options.bare:
        found["bare"] = measure.bare(options.files)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(found, indent=1) + "\n")
    text = table.text(found)
    print("\n" + text)
    if options.write:
        table.write(text)


if __name__ == "__main__":
    main()
