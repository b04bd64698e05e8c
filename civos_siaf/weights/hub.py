"""Models of others with the packages that hold them: SAM 2.1, EdgeTAM, SAM 3 from the hub, and Cutie.

transformers and rf-cutie are optional; they are imported when a network is asked for.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from civos_siaf.networks.sam_video import SamVideo
from civos_siaf.runtime.device import torch_device
from civos_siaf.weights.locate import weight_folders
from civos_siaf.weights.manifest import HubRecord, manifest

CONFIG = "config.json"
FILES = (CONFIG, "model*.safetensors*", "*processor_config.json")
"""What a model needs of a hub repository, which may hold the same weights in other forms."""

_UNTRAINED_SEED = 0
_FAMILIES = {
    "sam2": ("Sam2Video", "Sam2VideoProcessor"),
    "edgetam": ("EdgeTamVideo", "Sam2VideoProcessor"),
    "sam3": ("Sam3TrackerVideo", "Sam3TrackerVideoProcessor"),
}
"""Of an architecture: how the names of its classes in transformers begin, and its processor."""


PACKAGES = {"sam": "transformers", "cutie": "cutie"}
LEAST = {"transformers": (5, 20)}
"""Oldest versions whose models answer as the tests expect; with older ones they fail in many ways."""
"""What the extras of this package bring, as it is imported."""


def installed(extra: str) -> bool:
    """Whether the packages of an extra are there."""
    return find_spec(PACKAGES[extra]) is not None


def hub_record(name: str) -> HubRecord:
    """The record of a model.

    Raises:
        ValueError: no such model; lists those there are.
    """
    records = manifest().hub
    if name not in records:
        raise ValueError(f"no model called {name!r}; there are {', '.join(records)}")
    return records[name]


def hub_folder(record: HubRecord) -> Path | None:
    """The folder of a model among the weight files, under its name here; None: it is nowhere."""
    places = (folder / record.name for folder in weight_folders())
    return next((place for place in places if (place / CONFIG).is_file()), None)


def hub_cache() -> Path:
    """The folder in which the hub's client keeps models; the variables that it reads name another one."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")


def hub_weights(name: str) -> Path:
    """The folder of a model, from the hub on first use.

    Looked for under its name in the folders of weight files, then in the cache of the hub, then fetched
    into that cache; a bar shows the progress.

    Args:
        name: as `download_weights.py` lists it, such as "sam2.1-tiny".

    Raises:
        FileNotFoundError: it cannot be had; says why and what to do.
        ValueError: no such model.
    """
    record = hub_record(name)
    found = hub_folder(record)
    return found if found is not None else fetch(record)


def hub_file(name: str) -> Path:
    """The weight file of a model, if it is here already.

    Raises:
        FileNotFoundError: it is not.
        ValueError: no such model.
    """
    record = hub_record(name)
    places = [place] if (place := hub_folder(record)) is not None else cached_folders(record)
    found = [path for place in places for path in sorted(place.glob("model*.safetensors"))]
    if not found:
        raise FileNotFoundError(f"no weights of {name} here")
    return found[0]


def cached_folders(record: HubRecord) -> list[Path]:
    """Where the cache of the hub has the weights of a model."""
    snapshots = hub_cache() / f"models--{record.repository.replace('/', '--')}" / "snapshots"
    return sorted({path.parent for path in snapshots.glob("*/model*.safetensors")})


def fetch(record: HubRecord, folder: Path | str | None = None) -> Path:
    """Fetch a model from the hub, unless it is there.

    Args:
        record: which.
        folder: where to; None: into the cache of the hub.

    Raises:
        FileNotFoundError: it cannot be had; names the model, its size, its licence, and says what to do.
    """
    require("sam")
    hub: Any = import_module("huggingface_hub")
    options: dict[str, Any] = {"repo_id": record.repository, "allow_patterns": list(FILES)}
    try:
        if folder is not None:
            return Path(hub.snapshot_download(**options, local_dir=Path(folder) / record.name))
        try:
            cached = Path(hub.snapshot_download(**options, local_files_only=True))
            if any(cached.glob("model*.safetensors")):
                return cached
        except (OSError, ValueError):
            pass  # not in the cache
        return Path(hub.snapshot_download(**options))
    except Exception as error:  # the hub's client has a dozen kinds
        raise FileNotFoundError(_cannot_have(record, error)) from error


def sam_network(
    name: str,
    weights: Path | str | None,
    *,
    device: str = "cpu",
    max_references: int | None = None,
    compile: bool = False,
) -> SamVideo:
    """A tracker of the SAM 2 family, frozen and in eval mode.

    Args:
        name: of the model, such as "sam2.1-tiny".
        weights: a folder as transformers saves a model and its processor. None: weights at random, and a
            warning says so.
        device: where it runs.
        max_references: see `SamVideo`.
        compile: see `SamVideo`.

    Raises:
        FileNotFoundError: no such folder, or transformers is not installed; says what to do.
        ValueError: no such model or device, or a folder of another model.
    """
    record = hub_record(name)
    if record.family not in _FAMILIES:
        raise ValueError(f"{name} is not a tracker of the SAM 2 family")
    require("sam")
    place = torch_device(device)
    transformers: Any = import_module("transformers")
    family, processor_name = _FAMILIES[record.family]
    model_type = getattr(transformers, f"{family}Model")
    if weights is None:
        warnings.warn(f"{name} is untrained: there are no weights", stacklevel=2)
        model, processor = _untrained(record, transformers)
    else:
        folder = Path(weights)
        if not (folder / CONFIG).is_file():
            raise FileNotFoundError(
                f"no {CONFIG} in {folder}: expected a folder as transformers saves a model; {_how(record)}"
            )
        try:
            with _quietly(transformers):
                model = model_type.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
            processor = getattr(transformers, processor_name).from_pretrained(folder, local_files_only=True)
        except (OSError, RuntimeError, TypeError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{folder}: not a {family}Model with its processor ({reason})") from error
    model.requires_grad_(False).eval().to(place)
    session_type = getattr(transformers, f"{family}InferenceSession")
    return SamVideo(model, processor, session_type, name=name, max_references=max_references, compile=compile)


@contextmanager
def _quietly(transformers: Any) -> Iterator[None]:
    """Without the progress bar of a load that takes a second."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _untrained(record: HubRecord, transformers: Any) -> tuple[Any, Any]:
    """A model of the right size with weights at random, always the same, and its processor."""
    family, processor_name = _FAMILIES[record.family]
    config = getattr(transformers, f"{family}Config")(**_vision(record, transformers))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_UNTRAINED_SEED)
        model = getattr(transformers, f"{family}Model")(config)
    return model, make_processor(transformers, processor_name, int(config.image_size))


def make_processor(transformers: Any, name: str, size: int) -> Any:
    """A processor that scales frames to `size` pixels on both sides, and is otherwise as it comes."""
    sides = {"height": size, "width": size}
    kind = "Sam3" if name.startswith("Sam3") else "Sam2"
    images = getattr(transformers, f"{kind}ImageProcessor", None) or getattr(
        transformers, f"{kind}ImageProcessorFast"
    )
    options = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3} if kind == "Sam3" else {}
    return getattr(transformers, name)(
        image_processor=images(size=sides),
        video_processor=transformers.Sam2VideoVideoProcessor(size=sides, **options),
    )


def _vision(record: HubRecord, transformers: Any) -> dict[str, Any]:
    """The image encoder of a model, where it is not the one that its configuration has by itself."""
    if record.family == "edgetam":
        layers = {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
        backbone = transformers.TimmWrapperConfig(architecture="repvit_m1", model_args=layers)
        return {"vision_config": transformers.EdgeTamVisionConfig(backbone_config=backbone)}
    if not record.backbone:
        return {}
    backbone = transformers.Sam2HieraDetConfig(**record.backbone)
    channels = list(reversed(record.backbone.get("embed_dim_per_stage", (96, 192, 384, 768))))
    vision = transformers.Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=channels)
    return {"vision_config": vision}


def require(extra: str) -> None:
    """See that the packages of an extra are there, and new enough.

    Raises:
        FileNotFoundError: they are not, as weights may not be; says what to install.
    """
    package = PACKAGES[extra]
    if not installed(extra):
        raise FileNotFoundError(
            f'{package} is not installed: python -m pip install "civos-siaf[{extra}]", or in a checkout '
            f'python -m pip install -e ".[{extra}]"'
        )
    least = LEAST.get(package)
    if least is not None and _number(version(package)) < least:
        raise FileNotFoundError(
            f"{package} {version(package)} is installed, {'.'.join(map(str, least))} or newer is needed: "
            f'python -m pip install -U "civos-siaf[{extra}]"'
        )


def _number(text: str) -> tuple[int, ...]:
    """The first two parts of a version, such as (5, 20)."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _cannot_have(record: HubRecord, error: Exception) -> str:
    kind = type(error).__name__
    if kind == "GatedRepoError" or (record.gated and "401" in str(error)):
        reason = "it is gated"
    elif kind in ("LocalEntryNotFoundError", "OfflineModeIsEnabled") or isinstance(error, OSError):
        reason = "the hub cannot be reached" if not _offline() else "HF_HUB_OFFLINE is set"
    else:
        reason = " ".join(str(error).split())
    return (
        f"no weights of {record.name} ({record.repository}, {record.megabytes} MB, licence "
        f"{record.licence}): {reason}; {_how(record)}"
    )


def _how(record: HubRecord) -> str:
    asked = f"ask for access on {record.page} and log in with `hf auth login`, then " if record.gated else ""
    return (
        f"{asked}fetch it with `python scripts/download_weights.py {record.name}` or by hand from "
        f"{record.page} into {weight_folders()[-1] / record.name}, or give "
        "method.network.weights=FOLDER, or null for an untrained network"
    )


def _offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0", "false", "False")
