"""CVAT XML: our own exports come back, and what CVAT itself writes is read as it shows it."""

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.app.exports import export
from civos_siaf.app.imports import read_masks
from civos_siaf.video.frames import Frames
from tests.app.exports.fakes import FakeAnnotation, FakeObject, label_videos, pictures

FRAMES = Frames.open(pictures((4, 6, 8)))


def video_of(imported, frames):
    video = np.zeros((len(frames), *frames.size), np.uint8)
    for frame in imported.frames:
        video[frame] = imported.labels(frame)
    return video


@given(label_videos(), st.sampled_from([("masks", "frames"), ("masks", "objects"), ("polygons", "frames")]))
@settings(max_examples=60)
def test_our_exports_come_back(video, kinds):
    if not video.any():
        return
    annotation = FakeAnnotation(video)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.xml"
        export(annotation, "cvat", path, options=dict(zip(("shapes", "tracks"), kinds, strict=True)))
        imported = read_masks(path, "cvat", annotation.frames)
    np.testing.assert_array_equal(video_of(imported, annotation.frames), video)
    assert imported.names == {item.id: item.name for item in annotation.objects}


def xml(*tracks, head="", size=(6, 8)):
    height, width = size
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version><meta><task>'
        f"<original_size><width>{width}</width><height>{height}</height></original_size>{head}</task></meta>"
        + "".join(tracks)
        + "</annotations>"
    )


def box(frame, *, outside=0, z_order=0, corners=(1, 1, 4, 3)):
    places = " ".join(f'{k}="{v}"' for k, v in zip(("xtl", "ytl", "xbr", "ybr"), corners, strict=True))
    return (
        f'<box frame="{frame}" keyframe="1" outside="{outside}" occluded="0" {places} z_order="{z_order}"/>'
    )


def read(text, tmp_path, frames=FRAMES, **how):
    path = tmp_path / "annotations.xml"
    path.write_text(text)
    return read_masks(path, "cvat", frames, **how)


def test_what_a_track_shows_stays(tmp_path):
    text = xml(f'<track id="7" label="dog">{box(1)}{box(3, outside=1)}{box(4, outside=1)}</track>')
    imported = read(text, tmp_path)
    assert imported.frames == (1, 2)
    assert imported.names == {1: "dog"}
    expected = np.zeros((6, 8), np.uint8)
    expected[1:3, 1:4] = 1
    for frame in (1, 2):
        np.testing.assert_array_equal(imported.labels(frame), expected)


def test_every_nth_frame_does_not_stay(tmp_path):
    text = xml(
        f'<track id="0" label="dog">{box(0)}{box(2)}</track>', head="<frame_filter>step=2</frame_filter>"
    )
    imported = read(text, tmp_path)
    assert imported.frames == (0, 2)
    assert "every n-th" in imported.notes[0]


def test_z_order_decides_before_size(tmp_path):
    small, large = (1, 1, 3, 3), (0, 0, 6, 5)
    behind = f'<track id="0" label="a">{box(0, z_order=0, corners=small)}</track>'
    front = f'<track id="1" label="b">{box(0, z_order=1, corners=large)}</track>'
    imported = read(xml(behind, front), tmp_path)
    assert set(np.unique(imported.labels(0))) == {0, 2}
    assert any("overlap in 4 frames" in note for note in imported.notes)
    assert any("wholly below" in note for note in imported.notes)
    same = read(xml(behind, front.replace('z_order="1"', 'z_order="0"')), tmp_path)
    assert set(np.unique(same.labels(0))) == {0, 1, 2}


IMAGES = """<?xml version="1.0"?>
<annotations><image id="0" name="a/00001.png" width="8" height="6">
<polygon label="dog" points="1,1;4,1;4,3;1,3" z_order="0"/>
<points label="dog" points="1,1"/>
<mask label="cat" rle="0, 2, 2" left="5" top="4" width="2" height="2" z_order="0"/></image>
<image id="1" name="a/00003.png" width="8" height="6"><polygon label="dog" points="0,0;2,0;2,2" z_order="0"/>
</image></annotations>"""


def test_images_and_their_zip_file(tmp_path):
    imported = read(IMAGES, tmp_path)
    assert imported.frames == (1, 3)
    assert imported.names == {1: "dog", 2: "cat"}
    labels = imported.labels(1)
    assert (labels[1:3, 1:4] == 1).all()
    assert (labels[4, 5:7] == 2).all()
    assert not labels[5].any()
    assert any("1 points" in note for note in imported.notes)
    with zipfile.ZipFile(tmp_path / "job.zip", "w") as archive:
        archive.writestr("annotations.xml", IMAGES)
        archive.writestr("images/a/00001.png", b"")
    for format in ("cvat", "png"):
        again = read_masks(tmp_path / "job.zip", format, FRAMES)
        np.testing.assert_array_equal(again.labels(1), labels)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (xml(size=(5, 8)), "no mask, polygon or box"),
        (xml(f'<track id="0" label="a">{box(0)}</track>', size=(5, 8)), "8x5 pixels, the video 8x6"),
        (xml(f'<track id="0" label="a">{box(9)}</track>'), "frame 9: the video has frames 0 to 3"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]>" + xml(), "not XML of CVAT"),
        ("<annotations><track>", "not a CVAT file"),
        ("{}", "not XML of CVAT"),
        (IMAGES.replace('"0, 2, 2"', '"0, 2"'), "frame 1: run lengths of 2 pixels do not fill a box of 2x2"),
        (IMAGES.replace('left="5"', 'left="7"'), "leaves the frame"),
        (IMAGES.replace('"cat"', '"dog"'), "several shapes of label 'dog'"),
    ],
)
def test_what_does_not_fit_is_refused(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read(text, tmp_path)


def test_groups_are_objects(tmp_path):
    tracks = [
        f'<track id="{n}" label="dog" group_id="5">{box(0, corners=(2 * n, 1, 2 * n + 1, 3))}</track>'
        for n in (0, 1)
    ]
    imported = read(xml(*tracks), tmp_path)
    assert imported.names == {5: "dog"}
    assert set(np.unique(imported.labels(0))) == {0, 5}


def test_reviewed_frames_alone(tmp_path):
    video = np.ones((5, 6, 8), np.uint8)
    annotation = FakeAnnotation(video, objects=[FakeObject(1, "dog")], reviewed=(1, 3))
    for options in ({"tracks": "objects"}, {"tracks": "frames"}, {"shapes": "polygons"}):
        path = export(annotation, "cvat", tmp_path / "a.xml", options={"frames": "reviewed", **options})
        assert read_masks(path, "cvat", annotation.frames).frames == (1, 3)
