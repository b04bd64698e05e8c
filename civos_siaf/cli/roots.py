"""data_root.NAME=FOLDER on the command line: folders of data sets one by one, beside the one root."""

from collections.abc import Sequence

ALIASES = {"davis": "davis2017", "ytb": "youtubevos", "ytvos": "youtubevos"}
_ROOT = "data_root="


def with_roots(arguments: Sequence[str]) -> list[str]:
    """Arguments with `data_root.NAME=` as the option that Hydra knows, `roots.NAME=`.

    >>> with_roots(["experiment=x", "data_root.davis=/d"])
    ['experiment=x', 'roots.davis2017=/d', 'data_root=data']
    """
    found, single = [], False
    for argument in arguments:
        name, sign, folder = argument.partition("=")
        if sign and name.startswith("data_root."):
            single = True
            key = name.removeprefix("data_root.")
            found.append(f"roots.{ALIASES.get(key, key)}={folder}")
        else:
            found.append(argument)
    if single and not any(argument.startswith(_ROOT) for argument in arguments):
        found.append(f"{_ROOT}data")  # where those are looked for that were not given
    return found
