"""civos_siaf: interactive video object segmentation.

>>> import civos_siaf as cs
>>> "siaf_light" in cs.list_methods()
True

Everything named here is imported when it is first used, so that `import civos_siaf` takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from civos_siaf.api.evaluation import evaluate
    from civos_siaf.api.methods import list_methods, load_method
    from civos_siaf.api.networks import list_networks, load_network
    from civos_siaf.api.open_project import OpenProject, annotate
    from civos_siaf.api.segmentation import Segmentation, segment
    from civos_siaf.api.training import train
    from civos_siaf.prompts import Box, Click, MaskPrompt, Prompts, Scribble
    from civos_siaf.protocol import Method, Session
    from civos_siaf.video.frames import Frames

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Click",
    "Frames",
    "MaskPrompt",
    "Method",
    "OpenProject",
    "Prompts",
    "Scribble",
    "Segmentation",
    "Session",
    "__version__",
    "annotate",
    "evaluate",
    "list_methods",
    "list_networks",
    "load_method",
    "load_network",
    "segment",
    "train",
]

_HOMES = {
    "api.evaluation": ("evaluate",),
    "api.methods": ("list_methods", "load_method"),
    "api.networks": ("list_networks", "load_network"),
    "api.open_project": ("OpenProject", "annotate"),
    "api.segmentation": ("Segmentation", "segment"),
    "api.training": ("train",),
    "prompts": ("Box", "Click", "MaskPrompt", "Prompts", "Scribble"),
    "protocol": ("Method", "Session"),
    "video.frames": ("Frames",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
