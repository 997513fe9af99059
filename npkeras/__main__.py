"""`python -m npkeras describe FILE`: what a file of a model or of weights holds."""

import argparse
import sys

from npkeras.saving.describe import describe


def main(arguments=None):
    """Run a command, and return the status that the process is to end with."""
    parser = argparse.ArgumentParser(prog="python -m npkeras", description="Tools of npkeras.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("describe", help="say what files hold, without loading them")
    command.add_argument(
        "files", nargs="+", metavar="FILE", help="a .keras, .weights.h5, .weights.json or .h5 file"
    )
    given = parser.parse_args(arguments)
    status = 0
    for i, file in enumerate(given.files):
        try:
            text = str(describe(file))
        except (OSError, ValueError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            status = 1
            continue
        print(("\n" if i else "") + text)
    return status


if __name__ == "__main__":
    sys.exit(main())
