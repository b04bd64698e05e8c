"""Annotate many videos: python scripts/annotate_batch.py videos=folder prompts=prompts.json out=out

The form of the prompts is described in civos_siaf/app/batch/jobs.py. Run the same line again to go on after a
break; what is finished is not done again. Another method: method=siaf_light. The exit code is 1 if a video
failed; out/summary.md, .csv and .json say why.
"""

import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from method_hash import method_hash
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.app.batch.jobs import read_jobs
from civos_siaf.app.batch.run import FAILED, Record, run_batch
from civos_siaf.app.batch.summary import markdown, write_summary
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.device import choose
from civos_siaf.cli.errors import clear_errors, complete


def run(cfg: DictConfig) -> bool:
    jobs = read_jobs(cfg.videos, cfg.prompts)
    options = OmegaConf.to_container(cfg.options)
    assert isinstance(options, dict)
    if more := set(options) - set(cfg.formats):
        raise ValueError(f"options of {', '.join(map(str, more))}, which is not among the formats")
    records: list[Record] = []
    with tqdm(total=len(jobs), unit="video", disable=None) as bar:

        def tell(video: str, what: str, done: int, total: int) -> None:
            bar.set_postfix_str(f"{video}: {what} {done}/{total}")

        for record in run_batch(
            jobs,
            instantiate(cfg.method),
            cfg.out,
            method_name=HydraConfig.get().runtime.choices["method"],
            about=method_hash(cfg.method),
            formats={format: options.get(format, {}) for format in cfg.formats},
            tell=tell,
        ):
            records.append(record)
            write_summary(cfg.out, records)
            bar.update()
    print(markdown(records), end="")
    return any(record.status == FAILED for record in records)


@hydra.main(version_base="1.3", config_path="../configs", config_name="annotate_batch")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        choose(cfg)
        failed = run(complete(cfg))
    sys.exit(int(failed))


if __name__ == "__main__":
    prepare(__file__, first="videos", inputs=("videos", "prompts"), outputs=("out",))
    with clear_errors():
        main()
