"""Time a part of the package: python scripts/speed.py PART [option=value ...]."""

import ast
import importlib
import inspect
import pkgutil
import sys

import civos_siaf.speed

HELPERS = ("timing", "siaf_report")


def parse(option: str) -> tuple[str, object]:
    key, separator, text = option.partition("=")
    if not separator:
        raise SystemExit(f"error: {option!r}: options are written name=value")
    try:
        return key, ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return key, text


def main() -> None:
    parts = sorted(m.name for m in pkgutil.iter_modules(civos_siaf.speed.__path__) if m.name not in HELPERS)
    if sys.argv[1:] in ([], ["-h"], ["--help"]):
        print(f"{__doc__}\nparts: {', '.join(parts)}")
        return
    if sys.argv[1] not in parts:
        raise SystemExit(f"error: no part {sys.argv[1]!r}; there are {', '.join(parts)}")
    module = importlib.import_module(f"civos_siaf.speed.{sys.argv[1]}")
    options, known = dict(map(parse, sys.argv[2:])), inspect.signature(module.run).parameters
    if wrong := [name for name in options if name not in known]:
        raise SystemExit(f"error: no option {wrong[0]!r} of {sys.argv[1]}; there are {', '.join(known)}")
    print(module.__doc__)
    widths: list[int] = []
    for row in module.run(**options):
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values()]
        if not widths:
            widths = [max(len(key), len(cell), 12) for key, cell in zip(row, cells, strict=True)]
            widths[0] = max(widths[0], 44)
            print("  ".join(key.ljust(width) for key, width in zip(row, widths, strict=True)))
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
