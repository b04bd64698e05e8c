"""The job of each run of a table: an evaluation as eval_davis.py plays it, or a measurement of costs."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.benchmark import Evaluation
from civos_siaf.tables import Bench, CannotRunError, Job, Models, Run, measure_objects, measure_parts

GROUPS = ("dataset", "clock", "rules", "clicks")


def settings(options: tuple[str, ...]) -> DictConfig:
    """The configuration of eval_davis.py with these options, and with those given for the whole table."""
    task = HydraConfig.get().overrides.task
    given = [o for o in task if o.lstrip("+~").split("=")[0].split(".")[0] in GROUPS]
    return compose("eval_davis", overrides=["out=cell", "contact_sheets=false", *options, *given])


def evaluate(cfg: DictConfig, name: str, folder: Path) -> None:
    try:
        dataset, method = instantiate(cfg.dataset), instantiate(cfg.method)
    except (FileNotFoundError, InstantiationException) as error:
        if isinstance(error.__cause__ or error, FileNotFoundError):
            raise CannotRunError(str(error.__cause__ or error)) from error
        raise
    parts = {key: instantiate(cfg[key]) for key in ("rules", "clicks", "clock")}
    parts["about"] = {"method_config": OmegaConf.to_container(cfg.method, resolve=True)}
    evaluation = Evaluation(method, dataset, folder=folder, **parts)
    with tqdm(total=len(evaluation.remaining), unit="sample", desc=name, disable=None) as bar:
        for played in evaluation.play():
            bar.update(int(played.over))


def jobs(models: Models, bench: Bench) -> Callable[[Run], Job]:
    def prepare(run: Run) -> Job:
        choice = models.choose(run)
        if run.kind == "costs":
            facts = {"network": choice.role.network, "sizes": run["sizes"], "frames": run["frames"]}
            return Job({**facts, "bench": asdict(bench)}, partial(measure_parts, bench=bench, **facts))
        cfg = settings((*choice.options, *(run.command if run.kind == "evaluation" else run.overrides)))
        used = ("method",) if run.kind == "objects" else ("method", *GROUPS)
        facts = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in used}
        if run.kind == "objects":

            def play(folder: Path) -> None:
                measure_objects(folder, bench, instantiate(cfg.method), run["objects"])

            return Job({**facts, "bench": asdict(bench), "objects": run["objects"]}, play)
        return Job({**facts, "weights": choice.weights}, partial(evaluate, cfg, str(run)))

    return prepare
