"""Label Studio's masks unpacked bit by bit, as its packing is described."""

import json
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from urllib.parse import unquote

import numpy as np
from hypothesis import given, settings

from civos_siaf.app.exports import export
from civos_siaf.app.exports.label_studio import brush_rle
from tests.app.exports.fakes import HOSTILE, FakeAnnotation, FakeObject, label_videos


class Bits:
    def __init__(self, data):
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.place = 0

    def take(self, count):
        self.place += count
        assert self.place <= len(self.text)
        return int(self.text[self.place - count : self.place], 2)


def unpack(data):
    """All values of a packed array."""
    bits = Bits(data)
    total, width = bits.take(32), bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < total:
        repeated, size = bits.take(1), sizes[bits.take(2)]
        length = bits.take(size) + 1
        values += [bits.take(width)] * length if repeated else [bits.take(width) for _ in range(length)]
    assert len(values) == total
    assert len(bits.text) - bits.place < 8
    return np.array(values, np.uint8)


def alpha(value, height, width):
    pixels = unpack(value["rle"]).reshape(height, width, 4)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 3]


@given(label_videos())
@settings(max_examples=25)
def test_masks_come_back(video):
    with tempfile.TemporaryDirectory() as name:
        folder = export(FakeAnnotation(video), "label_studio", Path(name) / "out")
        tasks = json.loads((folder / "tasks.json").read_text())
        for task, labels in zip(tasks, video, strict=True):
            found = np.zeros_like(labels)
            for region in task["annotations"][0]["result"]:
                assert (region["original_height"], region["original_width"]) == labels.shape
                number = int(region["meta"]["text"][0].split()[1])
                found[alpha(region["value"], *labels.shape) == 255] = number
            np.testing.assert_array_equal(found, labels)


def test_runs_longer_than_a_size_can_say():
    for shape in ((128, 128), (129, 128), (300, 400)):
        assert (unpack(brush_rle(np.ones(shape, bool))) == 255).sum() == 4 * shape[0] * shape[1]
    mask = np.zeros((400, 300), bool)
    mask[399, 299] = True
    np.testing.assert_array_equal(unpack(brush_rle(mask)).reshape(400, 300, 4)[..., 3] > 0, mask)


def test_tasks_and_set_up(annotation, tmp_path):
    annotation.name = HOSTILE
    annotation.objects = [FakeObject(1, HOSTILE), FakeObject(2, "dog"), FakeObject(3, "dog")]
    options = {"images": True, "every": 2, "kind": "predictions", "image_prefix": "x/"}
    folder = export(annotation, "label_studio", tmp_path / "out", options=options)
    tasks = json.loads((folder / "tasks.json").read_text())
    assert [task["data"]["frame"] for task in tasks] == [0, 2]
    for task in tasks:
        address = unquote(task["data"]["image"]).removeprefix("x/")
        assert (folder / "images" / address).is_file()
    assert tasks[0]["predictions"][0]["result"][0]["value"]["brushlabels"] == [HOSTILE]
    config = ElementTree.parse(folder / "label_config.xml").getroot()
    labels = [label.get("value") for label in config.iter("Label")]
    assert labels == [HOSTILE.replace("\x00", "\ufffd"), "dog"]
    brush = config.find("BrushLabels")
    region = tasks[0]["predictions"][0]["result"][0]
    assert (region["from_name"], region["to_name"]) == (brush.get("name"), brush.get("toName"))
