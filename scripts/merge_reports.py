"""Join the parts of a split evaluation: python scripts/merge_reports.py OUT [PART ...].

Without PART the parts below OUT/shards are taken; name them when they come from several machines.
"""

import argparse
import sys
from pathlib import Path

from civos_siaf.benchmark import merge_shards
from civos_siaf.cli.errors import clear_errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of the joined report")
    parser.add_argument("parts", type=Path, nargs="*", help="folders with run.json and report.csv")
    arguments = parser.parse_args()
    with clear_errors():
        summary = merge_shards(arguments.out, arguments.parts or None)
    if summary is None:
        sys.exit(f"error: parts below {arguments.out} are not finished")
    print((arguments.out / "summary.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
