import json

import numpy as np
import pytest

from civos_siaf.benchmark import scribbles
from civos_siaf.benchmark.write_scribbles import write_scribbles
from civos_siaf.data.videos import DavisVideos, YouTubeVosVideos
from tests.data.layouts import write_davis, write_youtubevos


@pytest.mark.parametrize("kind", ["davis", "youtubevos"])
def test_files_are_those_of_davis(tmp_path, kind):
    root = tmp_path / kind
    write = {"davis": write_davis, "youtubevos": write_youtubevos}[kind]
    write(root)
    videos = DavisVideos(root) if kind == "davis" else YouTubeVosVideos(root)
    out = root / "Scribbles"
    written = dict(write_scribbles(videos, out, count=2))
    assert written.keys() == set(videos.names)
    assert sum(written.values()) > 0
    for index, name in enumerate(videos.names):
        stems = videos.annotated(index)
        for path in sorted((out / name).glob("*.json")):
            drawn = scribbles.load(path, sequence=name, num_frames=len(stems))
            (frame,) = scribbles.annotated_frames(drawn)
            labels = videos.read(index, stems[frame])[1]
            for line in drawn["scribbles"][frame]:
                x, y = (np.array(line["path"]) * (labels.shape[1], labels.shape[0])).astype(int).T
                inside = labels[y.clip(0, len(labels) - 1), x.clip(0, labels.shape[1] - 1)]
                assert np.mean(inside == line["object_id"]) > 0.5
    before = {path: path.read_text() for path in out.rglob("*.json")}
    assert sum(count for _, count in write_scribbles(videos, out, count=2)) == 0
    assert before == {path: path.read_text() for path in out.rglob("*.json")}
    assert all(json.loads(text)["sequence"] for text in before.values())
    with pytest.raises(ValueError, match="count must be 1 or more, got 0"):
        list(write_scribbles(videos, out, count=0))
