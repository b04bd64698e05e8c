"""Arguments of the scripts before Hydra reads them: paths as they are, help with examples, early errors.

Hydra reads every value by a grammar, in which brackets, commas, quotes, `#`, `=` and letters beyond ASCII
mean something or are refused. Paths are none of its business: they are quoted here so that it gives them back
as they were typed. Nothing heavy is imported, so that a missing file is told at once.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from civos_siaf.runtime.resources import resource_folder

_NUMBERS = re.compile(r"\s*-?[\d.]+\s*(,\s*-?[\d.]+\s*)+")
_DRIVE = re.compile(r"([A-Za-z]):[\\/]+(.*)", re.DOTALL)
_TAKES_A_WORD = {"--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn"} | {
    "--config-dir",
    "-cd",
}
"""Options of Hydra's own whose value is the next argument."""
_OPTION = re.compile(r"(?:\+{0,2})([A-Za-z_][\w.@/]*)=(.*)", re.DOTALL)


def prepare(
    script: str,
    *,
    first: str | None = None,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
    lists: Collection[str] = (),
    words: Mapping[str, Collection[str]] | None = None,
) -> None:
    """Change `sys.argv` for Hydra; print the help if it is asked for.

    Args:
        script: the script's file; its docstring and `configs/<name>.yaml` are the help.
        first: the option that a first argument without a name is the value of.
        inputs: options whose values are paths that must exist, also as patterns (`datasets.*.images`).
        outputs: options whose values are paths that may not exist yet.
        lists: options whose values are lists of numbers, for which brackets need not be typed.
        words: options whose values are paths that must exist, or one of these words.

    Raises:
        SystemExit: after the help; a path that does not exist, in one line.
    """
    given = sys.argv[1:]
    if given and given[0] in ("-h", "--help"):
        print(usage(script, first=first))
        raise SystemExit(0)
    try:
        words = words or {}
        kept = [text for text in given if _is_word(text, words)]
        rest = [text for text in given if not _is_word(text, words)]
        inputs = (*inputs, *words)
        rest = rewritten(rest, first=first, inputs=inputs, outputs=outputs, lists=lists)
        sys.argv[1:] = [*rest, *kept]
    except (ValueError, OSError) as error:
        raise SystemExit(f"error: {error}") from None


def rewritten(
    given: Sequence[str],
    *,
    first: str | None = None,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
    lists: Collection[str] = (),
) -> list[str]:
    """Arguments as Hydra reads them; see `prepare`.

    Raises:
        FileNotFoundError: an input that does not exist.
        ValueError: a path of Windows, or a further argument without a name.
    """
    arguments = []
    for place, text in enumerate(given):
        match = _OPTION.fullmatch(text)
        if place == 0 and first is not None and _is_bare(text, match):
            arguments.append(f"{first}={quoted(str(as_path(text, must_exist=first in inputs, what=first)))}")
            continue
        if match is None:
            if not text.startswith(("-", "~")) and given[place - 1] not in _TAKES_A_WORD:
                here = f"; a path without a name stands first ({first})" if first is not None else ""
                raise ValueError(f"{text!r} is no option, which is NAME=VALUE{here}")
            arguments.append(text)
            continue
        name, value = match.groups()
        if _is_one_of(name, lists) and _NUMBERS.fullmatch(value):
            arguments.append(f"{text[: match.start(2)]}[{value}]")
        elif value not in ("", "null") and _is_one_of(name, (*inputs, *outputs)):
            path = as_path(_unquoted(value), must_exist=_is_one_of(name, inputs), what=name)
            arguments.append(f"{text[: match.start(2)]}{quoted(str(path))}")
        else:
            arguments.append(text)
    return arguments


def as_path(text: str, *, must_exist: bool, what: str) -> Path:
    """The path that a person means: as it is, with `~` for the home folder, or with Windows' separators.

    Raises:
        FileNotFoundError: it must exist and does not.
        ValueError: on a drive of Windows that is not here.
    """
    path = Path(text)
    if path.exists():
        return path
    if what == "video" and must_exist and text == "sample":
        from civos_siaf.data.shapes.sample import sample_video  # takes long to load

        return sample_video()
    if text == "~" or text.startswith(("~/", "~\\")):
        path = path.expanduser()
    if drive := _DRIVE.fullmatch(text):
        mounted = Path("/mnt") / drive[1].lower()
        if not mounted.is_dir():
            raise ValueError(f"{what}={text}: a path of Windows; there is no drive {drive[1]}: here")
        path = mounted / drive[2].replace("\\", "/")
    elif "\\" in text:
        path = Path(str(path).replace("\\", "/"))
    if must_exist and not path.exists():
        raise FileNotFoundError(f"{what}: no file or folder at {path}")
    return path


def quoted(text: str) -> str:
    r"""A value that Hydra and OmegaConf give back as `text`, whatever is in it.

    >>> quoted("it's ${x}")
    "'it\\'s \\${x}'"
    """
    text = re.sub(r"(\\*)\$\{", lambda found: f"{2 * found[1]}\\${{", text)
    text = re.sub(r"(\\*)'", lambda found: f"{2 * found[1]}\\'", text)
    ending = len(text) - len(text.rstrip("\\"))
    return f"'{text}{ending * chr(92)}'"


def usage(script: str, *, first: str | None = None) -> str:
    """What a script does, how it is called, examples, and its options with their defaults."""
    path = Path(script)
    name = path.stem
    text = (resource_folder("configs") / f"{name}.yaml").read_text(encoding="utf-8")
    lines = text.splitlines()
    comments = [line.lstrip("# ") for line in lines if line.startswith("# ")]
    examples = [line for line in comments if line.startswith("python scripts/")]
    bare = f"[{first.upper()}] " if first is not None else ""
    call = f"usage: python scripts/{name}.py {bare}[OPTION=VALUE ...]"
    shown = [_described(path), "", call, "", "examples:"]
    shown += [f"  {line}" for line in examples]
    groups = re.findall(r"^  - ([a-z_]+): (\w+)$", text, re.MULTILINE)
    rows = [(group, default, ", ".join(_choices(group))) for group, default in groups]
    for line in lines:
        if match := re.fullmatch(r"([a-z_]+):[ ]*([^#]*?)[ ]*(?:#[ ]*(.*))?", line):
            option, default, about = match.groups()
            if option not in ("defaults", "hydra"):
                needed = " (needed)" if default == "???" else ""
                rows.append((option, "" if needed else default, f"{about or ''}{needed}"))
    width = min(34, max(len(f"{option}={default}") for option, default, _ in rows))
    shown += ["", "options and their defaults:"]
    shown += [f"  {f'{option}={value}':<{width}}  {about}".rstrip() for option, value, about in rows]
    shown += ["", f"All options: configs/{name}.yaml, and with their present values: --cfg job"]
    return "\n".join(shown)


def _described(path: Path) -> str:
    text = path.read_text(encoding="utf-8").split('"""')[1]
    sentence = text.strip().splitlines()[0]
    return re.split(r": python ", sentence)[0].rstrip(".") + "."


def _choices(group: str) -> list[str]:
    return sorted(path.stem for path in (resource_folder("configs") / group).glob("*.yaml"))


def _is_word(text: str, words: Mapping[str, Collection[str]]) -> bool:
    name, _, value = text.partition("=")
    return value in words.get(name, ())


def _is_bare(text: str, match: re.Match[str] | None) -> bool:
    """Whether an argument is a path, not an option: options are names, `=`, and a value."""
    if text.startswith(("--", "+")):
        return False
    if match is None and not text.startswith("-"):
        return not text.startswith("~") or text[1:2] in ("/", "\\") or Path(text).exists()
    return Path(text).exists()


def _is_one_of(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _unquoted(value: str) -> str:
    """Without the quotes that older documents told people to type, where no file is called so."""
    both = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if both and not Path(value).exists() else value
