"""What can be run here, and what is missing: python scripts/doctor.py [--data FOLDER] [--weights FOLDER]"""

import argparse
import sys
from pathlib import Path


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, what in (
        ("--data", "data sets, or folders above some"),
        ("--weights", "folders of weight files"),
    ):
        parser.add_argument(name, type=Path, nargs="+", default=[], metavar="FOLDER", help=what)
    options = parser.parse_args()
    for folder in (*options.data, *options.weights):
        if not folder.is_dir():
            sys.exit(f"there is no folder {folder}")
    return options


def tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{what and f'looking at {what} ...'}", end="", file=sys.stderr, flush=True)


def main() -> int:
    options = parse()
    tell("what is installed")
    try:
        from civos_siaf.doctor import examine, report  # takes seconds, and may fail
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed. In the folder of the checkout: python -m pip install -e .")
    found = examine(options.weights, options.data, tell=tell)
    tell("")
    print(report(found), end="")
    return 0 if all(found.weights[name].usable for name in found.manifest.shipped) else 1


if __name__ == "__main__":
    sys.exit(main())
