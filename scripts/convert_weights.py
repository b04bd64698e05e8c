"""Turn a published weight file into safetensors: python scripts/convert_weights.py SOURCE [TARGET]."""

import argparse
import sys
from pathlib import Path

from civos_siaf.cli.errors import clear_errors
from civos_siaf.weights.save import ARCHITECTURES, convert


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the file as published")
    parser.add_argument("target", type=Path, nargs="?", help="default: beside it, .safetensors")
    parser.add_argument(
        "--architecture", choices=ARCHITECTURES, metavar="NAME", help="what the file must hold"
    )
    options = parser.parse_args()
    target = options.target or options.source.with_suffix(".safetensors")
    with clear_errors():
        architecture = convert(options.source, target, options.architecture)
    print(f"{target}: {architecture}, {target.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
