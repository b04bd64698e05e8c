"""Compare with recorded answers of the originals: python scripts/check_parity.py DIR [DIR ...]."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.parity import check_folder


def say_unread(names: list[str]) -> None:
    for name in names:
        print(f"not checked: {name}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", help="fixture folders, such as tests/reference/davis")
    failed = total = 0
    for folder in parser.parse_args().folders:
        print(f"{folder}\n{'array':<58} {'max error':>10} {'tolerance':>10}")
        try:
            for check in check_folder(folder, unread=say_unread):
                print(check, flush=True)
                total += 1
                failed += not check.ok
        except (FileNotFoundError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    print(f"{total} arrays, {failed} FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
