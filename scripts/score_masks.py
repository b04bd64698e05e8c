"""Score finished masks: python scripts/score_masks.py truth=DAVIS masks=FOLDER

J, F and J&F per object and on the mean, by the conventions of DAVIS. Options: configs/score_masks.yaml.
"""

from pathlib import Path

import hydra
from omegaconf import DictConfig
from tqdm import tqdm

from civos_siaf.benchmark.mask_scores import Convention, gather, score_masks
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.errors import clear_errors, complete


def run(cfg: DictConfig) -> None:
    convention = Convention(cfg.year, cfg.frames, tolerance=cfg.tolerance, first=cfg.first)
    listed = cfg.sequences
    names = Path(listed) if isinstance(listed, str) else None if listed is None else list(listed)
    parts = score_masks(cfg.truth, cfg.masks, convention, sequences=names, resolution=cfg.resolution)
    scores = gather(iter(tqdm(parts, unit="sequence", disable=None)))
    for note in scores.notes:
        print(f"note: {note}")
    width = max(len(item.sequence) for item in scores.objects)
    print(f"{'sequence':<{width}}  object  frames      J      F    J&F")
    for item in scores.objects:
        name, number, frames, j, f, both, *_ = item.row()
        print(f"{name:<{width}}  {number:>6}  {frames:>6}  {j:.3f}  {f:.3f}  {both:.3f}")
    if cfg.out is not None:
        scores.write_csv(Path(cfg.out))
        print(cfg.out)
    kind = "all frames" if convention.frames == "all" else "without first and last frame"
    print(f"DAVIS {convention.year}, {kind}, mean over {len(scores.objects)} objects:")
    print(f"J {scores.j:.4f}  F {scores.f:.4f}  J&F {(scores.j + scores.f) / 2:.4f}")


@hydra.main(version_base="1.3", config_path="../configs", config_name="score_masks")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    prepare(__file__, inputs=("truth", "masks"), outputs=("out",))
    with clear_errors():
        main()
