"""The files in `configs/`, composed from Python; nothing else that is imported uses Hydra, but for `cli`."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf, open_dict

from civos_siaf.runtime.resources import resource_folder


def names_in(group: str) -> list[str]:
    """Names of the files in a group, such as "method", in alphabetical order."""
    return sorted(path.stem for path in (resource_folder("configs") / group).glob("*.yaml"))


def require_name(group: str, name: str) -> None:
    """Refuse a name that no file of the group has.

    Raises:
        ValueError: lists those there are.
    """
    if name not in (known := names_in(group)):
        near = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {near[0]!r}? There are" if near else "there are"
        raise ValueError(f"no {group} {name!r}; {meant} {', '.join(known)}")


@contextmanager
def composed(config: str, overrides: Sequence[str]) -> Iterator[DictConfig]:
    """A configuration as a script gets it; inside, Hydra knows which choices led to it.

    Args:
        config: name of a file in `configs/`.
        overrides: as on the command line.
    """
    before = HydraConfig.instance().cfg
    hydra = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(resource_folder("configs")), version_base="1.3"):
            cfg = compose(config, list(overrides), return_hydra_config=True)
            HydraConfig.instance().set_config(cfg)
            with open_dict(cfg):
                yield cfg
    finally:
        HydraConfig.instance().cfg = before
        GlobalHydra.instance().hydra = hydra


def with_settings(config: DictConfig, settings: Mapping[str, Any]) -> DictConfig:
    """A configuration with some of its values changed.

    Args:
        config: stays as it is.
        settings: new values; those inside a part are a mapping (`settings={"top_k": 20}`), or their keys have
            dots ("settings.top_k").

    Raises:
        ValueError: an option that there is not; names it, and those there are.
    """
    changed = config.copy()
    for key, value in settings.items():
        *parts, last = key.split(".")
        part = changed
        for name in parts:
            part = part.get(name) if isinstance(part, DictConfig) else None
        if not isinstance(part, DictConfig) or last not in part:
            place = part if isinstance(part, DictConfig) else changed
            known = [str(name) for name in place if not str(name).startswith("_")]
            raise ValueError(f"no option {key!r}; there are {', '.join(known)}")
        if isinstance(value, Mapping) and isinstance(part[last], DictConfig):
            part[last] = with_settings(part[last], value)
        else:
            part[last] = str(value) if isinstance(value, Path) else value
    return changed


def built(config: DictConfig) -> Any:
    """What a configuration describes; a mistake in it is raised as its constructor raised it.

    Raises:
        OSError, ValueError: of the constructor.
    """
    try:
        return instantiate(config)
    except InstantiationException as error:
        if isinstance(error.__cause__, OSError | ValueError):
            raise error.__cause__ from None
        raise


def plain(config: DictConfig) -> dict[str, Any]:
    """A configuration as dictionaries and lists."""
    values: Any = OmegaConf.to_container(config, resolve=True)
    return dict(values)
