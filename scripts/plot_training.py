"""Curves of a training: python scripts/plot_training.py OUT.png FOLDER [FOLDER ...]  (folders: its stages)"""

import argparse

from civos_siaf.cli.errors import clear_errors
from civos_siaf.training.curves import plot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", help="PNG file to write")
    parser.add_argument("folders", nargs="+", help="folders of trainings, one after the other")
    parser.add_argument("--names", nargs="+", default=["loss", "iou"], help="scalars to draw")
    arguments = parser.parse_args()
    with clear_errors():
        plot(arguments.folders, arguments.target, arguments.names)


if __name__ == "__main__":
    main()
