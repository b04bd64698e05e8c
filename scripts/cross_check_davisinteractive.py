"""Run the original toolkit beside ours and print where they differ.

python scripts/cross_check_davisinteractive.py --make-env DIR    makes an environment for it (once)
python scripts/cross_check_davisinteractive.py --python PATH     uses an environment that has it
"""

import argparse
import itertools
import sys
from pathlib import Path

from civos_siaf.benchmark import DavisDataset
from civos_siaf.cli.errors import clear_errors

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.original import NoSuitablePythonError, OriginalToolkit, create
from tests.original.compare import SETTINGS, compare_metrics_and_robot, compare_session

NO_PYTHON = 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--make-env", type=Path, metavar="DIR")
    where.add_argument("--python", type=Path, metavar="PATH")
    parser.add_argument("--seeds", type=int, default=20, help="random label videos to compare on")
    parser.add_argument("--root", type=Path, help="data set of the sessions; default: the package's")
    arguments = parser.parse_args()
    try:
        python = arguments.python or create(arguments.make_env)
    except NoSuitablePythonError as error:
        print(f"not compared: {error}")
        return NO_PYTHON
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    counts = {"ok": 0, "known": 0, "different": 0}
    with clear_errors(), OriginalToolkit(python) as toolkit:
        dataset = DavisDataset(arguments.root)
        sessions = (compare_session(toolkit, dataset, setting) for setting in SETTINGS)
        for result in itertools.chain(
            compare_metrics_and_robot(toolkit, range(arguments.seeds)), itertools.chain(*sessions)
        ):
            print(result, flush=True)
            counts["different" if not result.ok else "known" if result.reason else "ok"] += 1
    print(", ".join(f"{number} {name}" for name, number in counts.items()))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
