"""The job of each run of a table: an evaluation as eval_davis.py plays it, or a measurement of costs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf import tables
from civos_siaf.benchmark import Evaluation
from civos_siaf.cli.device import warms_up
from civos_siaf.cli.method import built_method
from civos_siaf.prompts import PromptKindError

GROUPS = ("dataset", "clock", "rules", "clicks")
HOW = ("compile", "warm_up")
"""Options that leave scores as they are."""


def settings(options: tuple[str, ...], device: str = "cpu") -> DictConfig:
    """The configuration of eval_davis.py with these options, and with those given for the whole table."""
    task = HydraConfig.get().overrides.task
    given = [o for o in task if o.lstrip("+~").split("=")[0].split(".")[0] in (*GROUPS, *HOW)]
    always = ["out=cell", "contact_sheets=false", f"device={device}"]
    return compose("eval_davis", overrides=[*always, *options, *given])


def evaluate(cfg: DictConfig, name: str, folder: Path) -> None:
    """Play the evaluation of a configuration, named `name`, in a folder."""
    with missing_as_such():
        parts = {key: instantiate(cfg[key]) for key in ("dataset", "rules", "clicks", "clock", "next_frame")}
        method = built_method(cfg.method, compile=cfg.compile)
        about = {"method_config": OmegaConf.to_container(cfg.method, resolve=True)}
        evaluation = Evaluation(method, **parts, folder=folder, about=about, warm_up=warms_up(cfg))
        with tqdm(total=len(evaluation.remaining), unit="sample", desc=name, disable=None) as bar:
            for played in evaluation.play():
                bar.update(int(played.over))


def time_interactive(folder: Path, bench: tables.Bench, cfg: DictConfig, objects: Sequence[int]) -> None:
    """Time clicks and frames of a method and leave the figures in a folder."""
    with missing_as_such():
        tables.measure_interactive(
            folder, bench, lambda: built_method(cfg.method, compile=cfg.compile), objects
        )


@contextmanager
def missing_as_such() -> Iterator[None]:
    """What is missing, or not taken by a method, leaves cells empty instead of ending everything."""
    try:
        yield
    except (FileNotFoundError, PromptKindError, InstantiationException) as error:
        if isinstance(cause := error.__cause__ or error, (FileNotFoundError, PromptKindError)):
            raise tables.CannotRunError(str(cause)) from error
        raise


def jobs(models: tables.Models, bench: tables.Bench, device: str) -> Callable[[tables.Run], tables.CellJob]:
    """Return what makes the job of a run: what it is known by, and the work itself."""

    def prepare(run: tables.Run) -> tables.CellJob:
        choice = models.choose(run)
        if run.kind == "costs":
            facts = {"network": choice.role.network, "sizes": run["sizes"], "frames": run["frames"]}
            measure = partial(tables.measure_parts, bench=bench, **facts)
            return tables.CellJob({**facts, "bench": asdict(bench)}, measure)
        timed = run.kind in ("objects", "interactive")
        cfg = settings((*choice.options, *run.command), bench.device if timed else device)
        used = ("method",) if timed else ("method", *GROUPS)
        facts = {key: OmegaConf.to_container(cfg[key], resolve=True) for key in used}
        if timed:
            facts |= {"bench": asdict(bench), "objects": (n := run["objects"])}
        elif run.get("next_frame"):
            facts["next_frame"] = OmegaConf.to_container(cfg.next_frame, resolve=True)
        if run.kind == "interactive":
            return tables.CellJob(facts, lambda f: time_interactive(f, bench, cfg, n))
        if run.kind == "objects":
            return tables.CellJob(
                facts,
                lambda f: tables.measure_objects(f, bench, built_method(cfg.method, compile=cfg.compile), n),
            )
        weights = models.hashes([facts["method"], facts.get("next_frame")], known=choice.weights)
        return tables.CellJob({**facts, "weights": weights}, partial(evaluate, cfg, str(run)))

    return prepare
