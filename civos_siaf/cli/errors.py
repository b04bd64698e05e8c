"""One clear line in place of a traceback, for the mistakes of a caller."""

import difflib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from hydra.errors import CompactHydraException, InstantiationException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from civos_siaf.cli.debugging import take_debug_options, wants_traceback

os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # so that Hydra's errors arrive in clear_errors


@contextmanager
def clear_errors() -> Iterator[None]:
    """End the script with the message of a wrong option, wrong value or missing file, whoever raised it.

    With `CIVOS_SIAF_TRACEBACK=1`, or the option `debug=true`, the error comes as it is, with its traceback.
    """
    try:
        take_debug_options(sys.argv)
        yield
    except Exception as error:
        if wants_traceback():
            raise
        _end(error)


def _end(error: Exception) -> NoReturn:
    try:
        raise error
    except InstantiationException as error:
        known = isinstance(error.__cause__, (OSError, ValueError))
        sys.exit(f"error: {error.__cause__ if known else ' '.join(str(error).split())}")
    except (CompactHydraException, OmegaConfBaseException) as error:
        sys.exit(f"error: {_about_options(error)}")
    except FileExistsError as error:
        sys.exit(f"error: {error.filename or error}: a file is there, expected a folder")
    except OSError as error:
        named = error.strerror is not None and error.filename is not None
        sys.exit(f"error: {error.filename}: {error.strerror}" if named else f"error: {error}")
    except ValueError as error:
        sys.exit(f"error: {error}")
    except TypeError as error:
        if os.environ.get("CIVOS_SIAF_TRACEBACK"):
            raise
        text = " ".join(str(error).split())
        sys.exit(f"error: a value of another kind than expected: {text} (CIVOS_SIAF_TRACEBACK=1: where)")


def complete(cfg: DictConfig) -> DictConfig:
    """The same, if everything that has to be given is there.

    Raises:
        ValueError: names the options that are missing.
    """
    if missing := list(_missing(OmegaConf.to_container(cfg, resolve=False))):
        raise ValueError(f"to be given: {' '.join(f'{name}=...' for name in missing)}")
    return cfg


def _missing(values: object, above: str = "") -> Iterator[str]:
    if values == "???":
        yield above.removeprefix(".")
    elif isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from _missing(value, f"{above}.{key}")


def _about_options(error: Exception) -> str:
    """What is wrong with an option, and what there is, in one line."""
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options:
        group, _, name = error.missing_cfg_file.rpartition("/")
        return f"no {group.lstrip('/')} {name!r}; there are {', '.join(error.options)}"
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        known = [str(key) for key in cause.parent_node]
        if str(cause.key) not in known:
            near = difflib.get_close_matches(str(cause.key), known, n=1, cutoff=0.75)
            above = str(cause.full_key).removesuffix(str(cause.key))
            meant = f"did you mean {above}{near[0]}?" if near else f"there are {', '.join(known)}"
            return f"no option {cause.full_key!r}; {meant}"
    return " ".join(f"{error} {cause or ''}".split())
