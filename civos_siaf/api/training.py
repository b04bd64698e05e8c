"""A training of the package, in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from civos_siaf.api.configuration import composed, require_name
from civos_siaf.cli.stages import in_order
from civos_siaf.cli.training import run
from civos_siaf.training.distribution import join
from civos_siaf.training.loop import WEIGHTS


def train(
    experiment: str,
    *,
    data_root: Path | str | None = None,
    out: Path | str | None = None,
    device: str = "auto",
    **options: Any,
) -> Path:
    """Train a network, as `scripts/train.py experiment=NAME` does; a training found in `out` goes on.

    Args:
        experiment: a name of `configs/experiment`, such as "stm_light".
        data_root: folder of the training data, for experiments that read some.
        out: folder of the training; None: `outputs/train/EXPERIMENT`.
        device: cpu, cuda, cuda:1; auto: the GPU of this process, if any.
        options: other values of `configs/train.yaml`; those inside a part have dots in their names:
            `**{"trainer.steps": 100}`. A value of None leaves an option as it is.

    Returns:
        The file of the trained weights.

    Raises:
        ValueError: no such experiment or option, one that is missing, or the folder holds another training.
        FileNotFoundError: no such data.

    >>> import civos_siaf as cs
    >>> weights = cs.train("stm_light", data_root="data", out="trainings/stm_light")  # doctest: +SKIP
    """
    require_name("experiment", experiment)
    given = {"data_root": data_root, "folder": out, **options}
    overrides = [f"experiment={experiment}", f"device={device}"]
    overrides += [f"{key}={_written(value)}" for key, value in given.items() if value is not None]
    weights = Path(out or Path("outputs") / "train" / experiment) / WEIGHTS
    with composed("train", overrides) as cfg, join(device) as process:
        for part in in_order(cfg):
            run(part, process)
            weights = Path(part.folder) / WEIGHTS
    return weights


def _written(value: Any) -> str:
    """A value in the grammar of Hydra's overrides."""
    if isinstance(value, str | Path):
        return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
