"""The training loop: one for all tasks; its result depends on its settings, not on when it was stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from civos_siaf.data.samples import TrainingData, TrainingItem
from civos_siaf.runtime.compiling import compile_parts
from civos_siaf.runtime.files import write_text
from civos_siaf.runtime.precision import TYPES, Precision, concrete
from civos_siaf.training.checkpoint import LAST, SETTINGS, Checkpoint, identity_text, require_fresh
from civos_siaf.training.distribution import Process
from civos_siaf.training.ema import Ema
from civos_siaf.training.failures import FiniteLosses, explained_memory
from civos_siaf.training.loader import BatchPlan, batches
from civos_siaf.training.monitor import Monitor
from civos_siaf.training.network_changes import share_statistics
from civos_siaf.training.parameters import GroupRule, ParameterGroup, RateByName, all_parameters, set_rates
from civos_siaf.training.schedules import Schedule, constant
from civos_siaf.training.seeds import seed_step
from civos_siaf.training.task import Task
from civos_siaf.training.validation import Validation
from civos_siaf.weights.save import save_weights

_log = logging.getLogger(__name__)

WEIGHTS, BEST = "weights.safetensors", "best.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """After a step.

    Attributes:
        step: steps done.
        steps: of the whole training.
        loss: of the last step, of this process.
        validation: scores, after steps that ended in a validation.
    """

    step: int
    steps: int
    loss: float
    validation: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """How often things happen, in steps; 0: never. All but `validate` leave the result as it is."""

    log: int = 10
    picture: int = 500
    save: int = 500
    keep: int = 0
    validate: int = 0


class Trainer:
    """Trains a task on data.

    Args:
        task: network and loss.
        data: items.
        folder: for checkpoints, logs and weights; a training found there is continued.
        steps: optimiser steps.
        batch_size: items per forward pass and process.
        optimizer: makes the optimiser from parameter groups and `lr`, such as a partial `torch.optim.Adam`.
        lr: base rate.
        groups: sorts the parameters.
        schedule: factor on the base rate at a step; None: always 1.
        precision: of the forward pass (autocast); fp16 scales the loss; auto: what is fastest on the device.
        accumulate: forward passes per step.
        clip_norm: largest norm of the gradient; None: any.
        ema_decay: keep a moving average of the weights, which is then validated and exported; None: no.
        seed: of everything random.
        workers: processes that fetch data, per training process.
        channels_last: keep feature maps with their channels last: faster, equal up to rounding.
        compile: compile the network's parts on the first step, see `compile_parts`: for long trainings.
        unused_parameters: some parameters take no part in a step; several processes must know that.
        process: this process; see `distribution.join`.
        every: how often to log, save and validate.
        validation: scores the network; the weights with the best score are kept in `best.safetensors`.
        about: settings to be stored with the checkpoints; another training is not continued with others, nor
            with another number of items per step, all processes together.
        fresh: begin anew over a training that was begun so, too.
        replan: go on with a training that was begun with other steps, rate or schedule; the schedule counts
            the steps done as its own.

    Raises:
        ValueError: the folder holds a training with other settings, or with `fresh` one that is to be kept,
            or one that has done more than `steps`.
    """

    def __init__(
        self,
        task: Task,
        data: TrainingData,
        *,
        folder: Path | str,
        steps: int,
        batch_size: int,
        optimizer: Callable[..., Optimizer],
        lr: float,
        groups: GroupRule | None = None,
        schedule: Schedule | None = None,
        precision: Precision = "fp32",
        accumulate: int = 1,
        clip_norm: float | None = None,
        ema_decay: float | None = None,
        seed: int = 0,
        workers: int = 0,
        channels_last: bool = False,
        compile: bool = False,
        unused_parameters: bool = False,
        process: Process | None = None,
        every: Every | None = None,
        validation: Validation | None = None,
        about: Mapping[str, Any] | None = None,
        fresh: bool = False,
        replan: bool = False,
    ) -> None:
        self.process = process or Process()
        self.folder, self.steps, self.lr, self.seed = Path(folder), steps, lr, seed
        self.task = task.to(self.process.device)
        if channels_last:
            task.network.to(memory_format=torch.channels_last)
        if compile:
            compile_parts(task.network)
        self.data, self.workers, self.schedule = data, workers, schedule or constant
        self.plan = BatchPlan(
            batch_size=batch_size, accumulate=accumulate, world_size=self.process.world_size
        )
        self.precision = self.process.agree(concrete(precision, self.process.device, training=True))
        self.clip_norm = clip_norm
        self.every, self.validation = every or Every(), validation
        self.groups: list[ParameterGroup] = (groups or RateByName())(task.network)
        self.optimizer = optimizer(self.groups, lr=lr)
        self.ema = Ema(task.network, decay=ema_decay) if ema_decay is not None else None
        self.scaler = torch.amp.GradScaler(self.process.device.type, enabled=self.precision == "fp16")
        self._finite = FiniteLosses(self.scaler, self.folder, rank=self.process.rank)
        self.identity = identity_text({**(about or {}), "items_per_step": self.plan.items_per_step})
        self.step = 0
        self.best: float | None = None
        self._resume(fresh=fresh, replan=replan)
        self._wrapped = self._distributed(unused_parameters)

    @property
    def exported(self) -> nn.Module:
        """The network that is validated and written: the average where there is one."""
        return self.ema.network if self.ema else self.task.network

    def run(self) -> Iterator[TrainingProgress]:
        """Train until the last step, or go on where a stopped training was.

        Raises:
            NonFiniteLossError: the loss is no number; the batch is saved.
            TrainingMemoryError: memory ran out; says what to change.
        """
        first = self.process.is_first
        self.folder.mkdir(parents=True, exist_ok=True)
        monitor = Monitor(self.folder, start=self.step) if first else None
        if first:
            write_text(self.folder / SETTINGS, self.identity)
        loader = iter(
            batches(
                self.data,
                self.plan,
                range(self.step, self.steps),
                seed=self.seed,
                process=self.process,
                workers=self.workers,
            )
        )
        since = time.perf_counter()
        while self.step < self.steps:
            parts = list(islice(loader, self.plan.accumulate))
            with explained_memory(batch_size=self.plan.batch_size, device=self.process.device):
                loss, scalars = self._one_step(parts)
            self.step += 1
            if monitor and self._due(self.every.log):
                took = (time.perf_counter() - since) / self.every.log
                since = time.perf_counter()
                rates = {"lr": self.lr * self.schedule(self.step - 1), "seconds_per_step": took}
                monitor.scalars(self.step, {"loss": loss, **scalars, **rates})
            if monitor and self._due(self.every.picture):
                self._picture(monitor, self._on_device(parts[-1]))
            scores = self._validate(monitor)
            self._save_when_due()
            yield TrainingProgress(self.step, self.steps, loss, scores)
        if monitor:
            monitor.close()
            self._export(self.folder / WEIGHTS)

    def _one_step(self, parts: list[TrainingItem]) -> tuple[float, dict[str, float]]:
        """Forward and backward for all parts, then one update; loss and scalars of the last part."""
        seed_step(self.seed, self.step, self.process.rank)
        set_rates(self.optimizer.param_groups, self.lr, self.schedule(self.step))
        self.task.train()
        total = 0.0
        for number, part in enumerate(parts, 1):
            batch = self._on_device(part)
            with self._synchronised(last=number == len(parts)):
                with self._autocast():
                    losses = self._wrapped(batch, self.step)
                self._finite.check(losses.total, batch, step=self.step)
                self.scaler.scale(losses.total / len(parts)).backward()
            total += losses.total.item() / len(parts)
        self._update()
        return total, {name: float(value) for name, value in losses.scalars.items()}

    def _update(self) -> None:
        if self.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(all_parameters(self.groups), self.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if self.ema:
            self.ema.update(self.task.network, self.step)

    def _validate(self, monitor: Monitor | None) -> Mapping[str, float] | None:
        if self.validation is None or not (self._due(self.every.validate) or self.step == self.steps):
            return None
        scores: Mapping[str, float] = {}
        if self.process.is_first:
            training = self.exported.training
            scores = self.validation(self.exported.eval())
            self.exported.train(training)
            if monitor:
                monitor.scalars(self.step, {f"validation/{name}": value for name, value in scores.items()})
            score = scores[self.validation.best]
            if self.best is None or score > self.best:
                self.best = score
                self._export(self.folder / BEST)
            _log.info("step %d: validation %s", self.step, dict(scores))
        self.process.wait()
        return scores

    def _save_when_due(self) -> None:
        if not self.process.is_first or not (self._due(self.every.save) or self.step == self.steps):
            return
        states: dict[str, dict[str, Any]] = {
            "task": self.task.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }
        if self.ema:
            states["ema"] = self.ema.network.state_dict()
        checkpoint = Checkpoint(self.step, self.identity, self.best, states)
        checkpoint.save(self.folder / LAST)
        _log.debug("step %d: saved %s", self.step, self.folder / LAST)
        if self._due(self.every.keep):
            checkpoint.save(self.folder / f"step_{self.step:08d}.pt")

    def _resume(self, *, fresh: bool, replan: bool) -> None:
        path = self.folder / LAST
        if not path.exists():
            return
        checkpoint = Checkpoint.load(path)
        if fresh:
            require_fresh(checkpoint, path)
            return
        changed = checkpoint.check_identity(self.identity, path, replan=replan)
        if checkpoint.step > self.steps:
            raise ValueError(
                f"{path} is after step {checkpoint.step}: trainer.steps={self.steps} ends before"
            )
        self.step, self.best = checkpoint.step, checkpoint.best
        self.task.load_state_dict(checkpoint.states["task"])
        self.optimizer.load_state_dict(checkpoint.states["optimizer"])
        self.scaler.load_state_dict(checkpoint.states["scaler"])
        if self.ema:
            self.ema.network.load_state_dict(checkpoint.states["ema"])
        _log.info("%s: goes on after step %d", path, self.step)
        if changed:
            rate = self.lr * self.schedule(self.step)
            _log.warning(
                "planned anew: %s; step %d has the rate %.3g", "; ".join(changed), self.step + 1, rate
            )

    def _export(self, path: Path) -> None:
        metadata = {"architecture": self.task.architecture, "step": str(self.step), "seed": str(self.seed)}
        save_weights(path, self.exported.state_dict(), metadata=metadata)

    def _picture(self, monitor: Monitor, batch: TrainingItem) -> None:
        self.task.eval()
        with torch.no_grad(), self._autocast():
            picture = self.task.pictures(batch)
        if picture is not None:
            monitor.picture(self.step, picture)

    def _distributed(self, unused_parameters: bool) -> nn.Module:
        if self.process.world_size == 1:
            return self.task
        cuda = self.process.device.type == "cuda"
        if cuda:
            # The backend for CPUs cannot.
            share_statistics(self.task)
        return DistributedDataParallel(
            self.task,
            device_ids=[self.process.device] if cuda else None,
            find_unused_parameters=unused_parameters,
        )

    def _synchronised(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged with the last part of a step only."""
        if last or not isinstance(self._wrapped, DistributedDataParallel):
            return nullcontext()
        return self._wrapped.no_sync()

    def _autocast(self) -> AbstractContextManager[None]:
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.process.device.type, TYPES[self.precision])

    def _on_device(self, batch: TrainingItem) -> TrainingItem:
        return {name: value.to(self.process.device, non_blocking=True) for name, value in batch.items()}

    def _due(self, every: int) -> bool:
        return every > 0 and self.step % every == 0
