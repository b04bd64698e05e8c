"""Import, configurations and light methods of an installed package: python use_wheel.py ENVIRONMENT."""

import sys
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

import civos_siaf
from civos_siaf.runtime.resources import resource_folder

environment = Path(sys.argv[1]).resolve()
for place in (
    Path(civos_siaf.__file__),
    resource_folder("configs"),
    resource_folder("scripts"),
    resource_folder("checkpoints"),
):
    assert place.resolve().is_relative_to(environment), f"{place} is not in {environment}"
with initialize_config_dir(str(resource_folder("configs")), version_base="1.3"):
    for name in ("civos_light", "siaf_light", "nearest_colour"):
        method = instantiate(compose("segment", [f"method={name}", "video=none", "click=[0,0,0]"]).method)
        print(f"{name}: {type(method).__name__} from {type(method).__module__}")
