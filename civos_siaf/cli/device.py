"""What programs do about devices: device=auto, said in the first line; and when to warm up."""

import sys

from omegaconf import DictConfig


def choose(cfg: DictConfig) -> None:
    """Replace `auto` by cuda or cpu, which all parts of the configuration refer to, and tune a GPU."""
    import torch  # here, as it takes long to load

    from civos_siaf.runtime.device import torch_device, tune

    if cfg.device == "auto":
        found = torch.cuda.device_count() > 0
        cfg.device = "cuda" if found else "cpu"
        name = torch.cuda.get_device_name() if found else "no GPU that torch can use"
        print(f"device: {cfg.device} ({name})", file=sys.stderr)
    tune(torch_device(cfg.device), tf32=cfg.get("tf32", False))


def warms_up(cfg: DictConfig) -> bool:
    """Whether `warm_up` asks for a round before the clock starts; auto: where the first one takes longer."""
    if cfg.warm_up == "auto":
        return bool(cfg.device != "cpu" or cfg.compile)
    return bool(cfg.warm_up)
