import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from civos_siaf.training import loop
from civos_siaf.training.checkpoint import LAST, Checkpoint
from civos_siaf.training.distribution import Process
from civos_siaf.training.failures import (
    PATIENCE,
    FiniteLosses,
    NonFiniteLossError,
    TrainingMemoryError,
    explained_memory,
)
from civos_siaf.training.loader import BatchPlan
from civos_siaf.training.loop import BEST, WEIGHTS, Every, Trainer
from civos_siaf.training.monitor import read_log
from civos_siaf.training.schedules import Cosine
from tests.training.tiny import MeanScore, TinyData, TinyNetwork, TinyTask
from tests.waiting import wait_until

SCRIPT = Path(__file__).parent / "run_tiny.py"
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def command(folder, steps, workers, *more):
    return [sys.executable, str(SCRIPT), str(folder), str(steps), str(workers), *map(str, more)]


def run(*args, check=True):
    return subprocess.run(command(*args), env=ENVIRONMENT, check=check, capture_output=True, text=True)


def trainer(folder, *, steps=4, task=None, **options):
    torch.manual_seed(0)
    defaults = {"optimizer": partial(torch.optim.SGD), "lr": 0.1, "batch_size": 2}
    return Trainer(task or TinyTask(), TinyData(), folder=folder, steps=steps, **{**defaults, **options})


def logged(folder):
    return len(read_log(folder)) if (folder / "log.jsonl").exists() else 0


def same(left, right):
    left, right = load_file(left), load_file(right)
    assert left.keys() == right.keys()
    return all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run(folder, 14, 0)
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_and_resumed_equals_uninterrupted(tmp_path, whole, workers):
    random = np.random.default_rng(workers)
    kills = 0
    while not (tmp_path / WEIGHTS).exists():
        held = {"TINY_HOLD_AT": str((6, 13)[kills])} if kills < 2 else {}
        process = subprocess.Popen(
            command(tmp_path, 14, workers, 4, 1, 0.1), env=ENVIRONMENT | held, start_new_session=True
        )
        if kills < 2:
            steps = logged(tmp_path)
            wait_until(lambda: logged(tmp_path) >= steps + 4, process=process)  # noqa: B023
            time.sleep(random.uniform(0, 0.2))
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait(timeout=120)
    assert kills == 2
    assert same(tmp_path / WEIGHTS, whole / WEIGHTS)
    assert same(tmp_path / BEST, whole / BEST)
    ends = [Checkpoint.load(folder / LAST).states for folder in (tmp_path, whole)]
    for name in ("task", "ema"):
        assert all(torch.equal(ends[0][name][key], ends[1][name][key]) for key in ends[1][name])
    losses = [[row["loss"] for row in read_log(folder) if "loss" in row] for folder in (tmp_path, whole)]
    assert losses[0] == losses[1]
    assert len(losses[1]) == 14


def test_another_seed_gives_other_weights(tmp_path):
    for seed in (1, 2):
        list(trainer(tmp_path / str(seed), seed=seed).run())
    assert not same(tmp_path / "1" / WEIGHTS, tmp_path / "2" / WEIGHTS)


def test_two_processes_equal_one_with_the_doubled_batch(tmp_path):
    run(tmp_path / "one", 6, 0, 4, 0)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*torchrun, *command(tmp_path / "two", 6, 0, 2, 0)[1:]],
        env=ENVIRONMENT,
        check=True,
        capture_output=True,
    )
    one, two = (load_file(tmp_path / name / WEIGHTS) for name in ("one", "two"))
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-5
    # Not a comparison of two untrained networks.
    torch.manual_seed(3)
    untrained = TinyTask().network.state_dict()
    assert float((one["head.weight"] - untrained["head.weight"]).abs().max()) > 1e-3
    # The batch norm is frozen here; with statistics of its own each process would learn something else.
    assert torch.equal(two["body.1.running_mean"], untrained["body.1.running_mean"])


@pytest.fixture
def _alone(monkeypatch):
    """Trainers of several processes can be made in one, though not run."""

    class Unwrapped:
        def __new__(cls, task, **options):
            return task

    monkeypatch.setattr(loop, "DistributedDataParallel", Unwrapped)


@pytest.mark.usefixtures("_alone")
def test_processes_with_gpus_share_their_statistics(tmp_path):
    class Stays(TinyTask):
        """A task that no GPU is needed for."""

        def to(self, device):
            return self

    made = trainer(tmp_path, task=Stays(), process=Process(0, 2, torch.device("cuda", 0)))
    norm = made.task.network.body[1]
    assert isinstance(norm, nn.SyncBatchNorm)
    assert any(parameter is norm.weight for group in made.groups for parameter in group["params"])


def test_non_finite_loss_stops_and_saves_its_batch(tmp_path):
    with pytest.raises(NonFiniteLossError, match="step 2; its batch is in") as caught:
        list(trainer(tmp_path, task=TinyTask(fail_at=2)).run())
    path = tmp_path / "failed_batch_step2_rank0.pt"
    assert str(path) in str(caught.value)
    assert torch.load(path, weights_only=True)["index"].tolist() == [4, 5]


def test_a_scaled_loss_that_is_no_number_is_skipped(tmp_path, caplog):
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    watch = FiniteLosses(scaler, tmp_path, rank=0)
    bad, good, batch = torch.tensor(float("inf")), torch.tensor(1.0), {"index": torch.tensor([7])}
    for _ in range(3):
        for _ in range(PATIENCE - 1):
            watch.check(bad, batch, step=1)
        watch.check(good, batch, step=1)
    assert "loss inf at step 1: skipped, the scale 4 is halved" in caplog.text
    for _ in range(PATIENCE - 1):
        watch.check(bad, batch, step=1)
    with pytest.raises(NonFiniteLossError, match=rf"step 5, {PATIENCE} in a row, with a scale of 4; its"):
        watch.check(bad, batch, step=5)
    floor = FiniteLosses(torch.amp.GradScaler("cpu", init_scale=1.0), tmp_path, rank=0)
    with pytest.raises(NonFiniteLossError, match="with a scale of 1"):
        floor.check(bad, batch, step=2)


def test_a_training_in_half_precision_goes_on_after_one_such_loss(tmp_path):
    made = trainer(tmp_path, task=TinyTask(fail_at=2), precision="fp16")
    before = made.scaler.get_scale()
    assert [progress.step for progress in made.run()] == [1, 2, 3, 4]
    assert made.scaler.get_scale() == before / 2
    assert all(torch.isfinite(p).all() for p in made.task.network.parameters())


def test_out_of_memory_names_the_switches():
    explained = partial(explained_memory, batch_size=8, device=torch.device("cpu"))
    with pytest.raises(TrainingMemoryError, match=r"batch_size=8.*trainer\.accumulate"), explained():
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate")
    with pytest.raises(RuntimeError, match="shapes"), explained():
        raise RuntimeError("shapes differ")


def test_other_settings_are_refused(tmp_path):
    list(trainer(tmp_path, about={"trainer": {"lr": 0.1}}).run())
    with pytest.raises(
        ValueError, match=r"last\.pt was made with other settings: trainer\.lr: 0\.1, now 0\.2"
    ):
        trainer(tmp_path, about={"trainer": {"lr": 0.2}})


@pytest.mark.parametrize(
    ("batch_size", "accumulate", "world_size"), [(2, 4, 1), (1, 8, 1), (4, 1, 2), (1, 1, 8)]
)
@pytest.mark.usefixtures("_alone")
def test_a_step_may_be_split_otherwise(tmp_path, batch_size, accumulate, world_size):
    list(trainer(tmp_path, steps=2, batch_size=8).run())
    plan = BatchPlan(batch_size=batch_size, accumulate=accumulate, world_size=world_size)
    assert plan.items_per_step == 8
    made = trainer(tmp_path, process=Process(0, world_size), batch_size=batch_size, accumulate=accumulate)
    assert made.step == 2


@pytest.mark.parametrize(("batch_size", "world_size", "now"), [(2, 1, 2), (2, 4, 8), (4, 2, 8)])
@pytest.mark.usefixtures("_alone")
def test_another_number_of_items_is_refused(tmp_path, batch_size, world_size, now):
    list(trainer(tmp_path, steps=2, batch_size=2, accumulate=2).run())
    with pytest.raises(ValueError, match=rf"other settings: items_per_step: 4, now {now}\."):
        trainer(tmp_path, process=Process(0, world_size), batch_size=batch_size)


def test_an_older_checkpoint_says_what_it_lacks(tmp_path):
    about = {"trainer": {"lr": 0.1}}
    list(trainer(tmp_path, about=about).run())
    checkpoint = Checkpoint.load(tmp_path / LAST)
    older = json.dumps({"trainer": {"lr": 0.1, "batch_size": 2, "clip_norm": None}})
    replace(checkpoint, identity=older).save(tmp_path / LAST)
    lines = "items_per_step: not there, now 2; trainer.batch_size: 2, now not there; trainer.clip_norm: None,"
    with pytest.raises(ValueError, match=lines):
        trainer(tmp_path, about=about)


def test_a_checkpoint_from_before_start_weights_were_compared_goes_on(tmp_path):
    list(trainer(tmp_path, about={"trainer": {}}).run())
    assert trainer(tmp_path, about={"trainer": {}, "start": {"weights": "abc"}}).step > 0
    list(trainer(tmp_path / "now", about={"start": {"weights": "abc"}}).run())
    with pytest.raises(ValueError, match=r"start\.weights: abc, now xyz"):
        trainer(tmp_path / "now", about={"start": {"weights": "xyz"}})


def test_a_fresh_training_writes_over_another_fresh_one_only(tmp_path):
    for _ in range(2):
        begun = trainer(tmp_path, about={"fresh": True}, fresh=True)
        assert begun.step == 0
        list(begun.run())
    list(trainer(tmp_path / "kept", about={}).run())
    with pytest.raises(ValueError, match=r"last\.pt is of a training that is to be kept"):
        trainer(tmp_path / "kept", about={"fresh": True}, fresh=True)


def test_damaged_checkpoint_is_named(tmp_path):
    list(trainer(tmp_path).run())
    (tmp_path / LAST).write_bytes((tmp_path / LAST).read_bytes()[:500])
    with pytest.raises(ValueError, match=r"last\.pt: not a complete checkpoint"):
        trainer(tmp_path)


def test_finished_training_is_left_alone(tmp_path):
    list(trainer(tmp_path).run())
    assert list(trainer(tmp_path).run()) == []


def test_training_lowers_the_loss_in_half_precision(tmp_path):
    losses = [p.loss for p in trainer(tmp_path, steps=60, precision="bf16", lr=0.5).run()]
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])


def test_what_a_training_leaves(tmp_path):
    every = Every(log=2, picture=2, save=2, keep=2, validate=2)
    progress = list(trainer(tmp_path, every=every, validation=MeanScore(), ema_decay=0.5).run())
    assert [p.step for p in progress] == [1, 2, 3, 4]
    assert [p.validation is not None for p in progress] == [False, True, False, True]
    assert {p.name for p in tmp_path.glob("*.*")} == {
        "last.pt",
        "settings.json",
        "step_00000002.pt",
        "step_00000004.pt",
        "log.jsonl",
        WEIGHTS,
        BEST,
    }
    assert list((tmp_path / "tensorboard").iterdir())
    best = max(p.validation["score"] for p in progress if p.validation)
    assert Checkpoint.load(tmp_path / LAST).best == best


def plan(steps, lr, **other):
    """Settings as the command line makes them."""
    return {
        "trainer": {"steps": steps, "lr": lr, "schedule": {"steps": steps}},
        "task": {"total": steps},
        **other,
    }


def test_a_training_goes_on_with_a_new_plan_where_that_is_asked_for(tmp_path, caplog):
    schedule = {"schedule": Cosine(steps=4), "about": plan(4, 0.1)}
    list(trainer(tmp_path, steps=4, **schedule).run())
    longer = {"schedule": Cosine(steps=8), "about": plan(8, 0.1)}
    with pytest.raises(ValueError, match=r"trainer\.steps: 4, now 8.*replan=true to go on"):
        trainer(tmp_path, steps=8, **longer)
    made = trainer(tmp_path, steps=8, **longer, replan=True)
    assert "planned anew: task.total: 4, now 8" in caplog.text
    assert [progress.step for progress in made.run()] == [5, 6, 7, 8]
    assert made.optimizer.param_groups[0]["lr"] == pytest.approx(made.lr * Cosine(steps=8)(7))
    with pytest.raises(ValueError, match=r"is after step 8: trainer\.steps=4 ends before"):
        trainer(tmp_path, steps=4, **schedule, replan=True)
    other = {**longer, "about": plan(8, 0.1, data={"size": 3})}
    with pytest.raises(ValueError, match=r"other settings: data: not there") as refused:
        trainer(tmp_path, steps=8, **other, replan=True)
    assert "trainer.steps" not in str(refused.value)


@pytest.mark.parametrize("now", ["/new/place/davis", "C:\\davis", "davis2017"])
def test_data_may_move(tmp_path, now):
    about = {"data": {"_target_": "a.b.Davis", "root": "/old/davis", "year": 2016}}
    list(trainer(tmp_path, steps=2, about=about).run())
    moved = {"data": {**about["data"], "root": now}}
    assert trainer(tmp_path, steps=2, about=moved).step == 2
    with pytest.raises(ValueError, match="year: 2016, now 2017"):
        trainer(tmp_path, steps=2, about={"data": {**moved["data"], "year": 2017}})


def test_a_compiled_training_gives_the_same_weights(tmp_path, monkeypatch):
    # Compiling to machine code takes a minute; this backend does all but that.
    monkeypatch.setattr(loop, "compile_parts", partial(loop.compile_parts, backend="aot_eager"))
    for name in ("compiled", "plain"):
        torch.manual_seed(1)
        task = TinyTask(TinyNetwork(dropout=0.0))
        compiled = name == "compiled"
        training = trainer(
            tmp_path / name, task=task, compile=compiled, channels_last=compiled, ema_decay=0.5
        )
        assert (task.network.body._compiled_call_impl is not None) == compiled
        # The average is only validated and written.
        assert training.exported.body._compiled_call_impl is None
        list(training.run())
    torch._dynamo.reset()
    found, expected = (load_file(tmp_path / name / WEIGHTS) for name in ("compiled", "plain"))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-5)
