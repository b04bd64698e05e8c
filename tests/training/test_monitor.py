import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from civos_siaf.training.monitor import LOG, Monitor, read_log, write_csv


def test_scalars_and_pictures_reach_tensorboard(tmp_path):
    monitor = Monitor(tmp_path)
    monitor.scalars(3, {"loss": 0.5})
    monitor.picture(3, np.full((4, 6, 3), 200, np.uint8))
    monitor.close()
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(3, 0.5)]
    (picture,) = events.Images("pictures")
    assert (picture.height, picture.width) == (4, 6)


def test_a_resumed_log_has_no_step_twice(tmp_path):
    first = Monitor(tmp_path)
    for step in (1, 2, 3, 4):
        first.scalars(step, {"loss": step / 10})
    with (tmp_path / LOG).open("a") as file:
        file.write('{"step": 5, "lo')  # killed here
    assert [row["step"] for row in read_log(tmp_path)] == [1, 2, 3, 4]
    second = Monitor(tmp_path, start=2)
    second.scalars(3, {"loss": 9.0, "validation/iou": 1.0})
    assert [(row["step"], row["loss"]) for row in read_log(tmp_path)] == [(1, 0.1), (2, 0.2), (3, 9.0)]
    write_csv(tmp_path, tmp_path / "log.csv")
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == "step,loss,validation/iou"
    assert lines[-1] == "3,9.0,1.0"
