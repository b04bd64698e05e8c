import json

import pytest

from civos_siaf.methods import NearestColour
from civos_siaf.tables import Bench, Measure, measure_objects, measure_parts

SMALL = Bench(height=64, width=96, length=2, threads=1, repeats=1)


def test_costs_of_the_parts(tmp_path):
    measure_parts(tmp_path, SMALL, network="light", sizes=(64,), frames=(2,))
    rows = json.loads((tmp_path / "costs.json").read_text())["rows"]
    assert {"AFI without AFA", "AFA", "memory network", "batch decoder", "AFI 64p", "AFA frames 2"} <= set(
        rows
    )
    assert Measure("milliseconds", case="AFI 64p").of(tmp_path, "costs") > 0
    with pytest.raises(ValueError, match=r"costs.json: no milliseconds AFI 65p"):
        Measure("milliseconds", case="AFI 65p").of(tmp_path, "costs")


class Counted(NearestColour):
    def __init__(self, limit):
        super().__init__()
        self.opened, self.limit = [], limit

    def open(self, frames, *, num_objects):
        if len(self.opened) == self.limit:
            raise KeyboardInterrupt
        self.opened.append(num_objects)
        return super().open(frames, num_objects=num_objects)


def test_seconds_by_objects_go_on_where_they_stopped(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        measure_objects(tmp_path, SMALL, Counted(4), (1, 2, 3))
    assert not (tmp_path / "objects.json").exists()
    method = Counted(10)
    measure_objects(tmp_path, SMALL, method, (1, 2, 3))
    assert method.opened == [3, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["objects.json"]
    assert all(Measure("milliseconds_per_frame", case=str(n)).of(tmp_path, "objects") > 0 for n in (1, 2, 3))
