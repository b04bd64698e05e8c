"""Segment a video: python scripts/segment.py in.mp4 click=frame,x,y out=out/

Several objects and clicks: click=[[0,120,80,1],[0,300,90,2]] (frame, x, y, object), and
background=[[0,200,60,1]] beside them. Options and their values: configs/segment.yaml.
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.api.segmentation import clicks_from_numbers, segment
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.device import choose
from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.cli.method import built_method
from civos_siaf.prompts import Prompts
from civos_siaf.video.frames import Frames


def numbers(value: object) -> list[float]:
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    if not isinstance(plain, list):
        raise ValueError(f"a click is [frame,x,y] or [frame,x,y,object], got {plain!r}")
    return plain


def run(cfg: DictConfig) -> None:
    frames = Frames.open(cfg.video, hold=True)
    positive = clicks_from_numbers(numbers(cfg.click))
    negative = clicks_from_numbers(numbers(cfg.background), positive=False) if cfg.background else ()
    prompts = Prompts((*positive, *negative))
    method = built_method(cfg.method, compile=cfg.compile)
    with tqdm(total=len(frames), unit="frame", desc="segmenting", disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        result = segment(frames, prompts, method=method, progress=show)
        bar.set_description("writing")
        overlay = result.save(Path(cfg.out))
    print(f"{Path(cfg.out) / 'masks'}: {len(frames)} masks\n{overlay}")


@hydra.main(version_base="1.3", config_path="../configs", config_name="segment")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        choose(cfg)
        run(complete(cfg))


if __name__ == "__main__":
    prepare(__file__, first="video", inputs=("video",), outputs=("out",), lists=("click", "background"))
    with clear_errors():
        main()
