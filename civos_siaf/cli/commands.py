"""The scripts as commands of the installed package: civos-siaf eval click_strategy=f3.

A command is a file of `scripts/`, with dashes for its underscores, and `eval` is `eval_davis`.
"""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

from civos_siaf.cli.debugging import take_debug_options
from civos_siaf.runtime.resources import PACKAGE, resource_folder

SHORT = {"eval_davis": "eval"}


def commands() -> dict[str, Path]:
    """Script of each command, in alphabetical order."""
    scripts = (
        path for path in resource_folder("scripts").glob("*.py") if "__main__" in path.read_text("utf-8")
    )
    return dict(sorted((SHORT.get(path.stem, path.stem).replace("_", "-"), path) for path in scripts))


def written(script: str) -> str:
    """How a person calls a script, such as "eval_davis": by its command, or in a checkout by its file.

    >>> written("eval_davis").endswith(("civos-siaf eval", "eval_davis.py"))
    True
    """
    path = resource_folder("scripts") / f"{script}.py"
    if path.is_relative_to(PACKAGE):
        return f"civos-siaf {SHORT.get(script, script).replace('_', '-')}"
    here = Path.cwd()
    return f"python {path.relative_to(here) if path.is_relative_to(here) else path}"


def described(script: Path) -> str:
    """First words of a script's docstring."""
    text = ast.get_docstring(ast.parse(script.read_text("utf-8"))) or ""
    return text.splitlines()[0].split(": python ")[0].rstrip(".") if text else ""


def main() -> None:
    """Run the command named first with the arguments after it."""
    known = commands()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print("usage: civos-siaf COMMAND ...   (COMMAND --help: its options)\n")
        print("\n".join(f"  {key:<28} {described(path)}" for key, path in known.items()))
        return
    if name not in known:
        sys.exit(f"error: no command {name!r}; there are {', '.join(known)}")
    script = known[name]
    sys.argv = [str(script), *sys.argv[2:]]
    take_debug_options(sys.argv)
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
