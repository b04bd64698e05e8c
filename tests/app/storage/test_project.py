import json
import multiprocessing
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from civos_siaf.app.document.actions import AddObject
from civos_siaf.app.document.video_info import fingerprint
from civos_siaf.app.exports import export
from civos_siaf.app.session.annotator import Annotator
from civos_siaf.app.storage.project import FORMAT, Project, ProjectError
from civos_siaf.methods import NearestColour
from civos_siaf.video.frames import DEFAULT_RATE, Frames
from civos_siaf.video.writer import write_video
from tests.app.fakes import HEIGHT, WIDTH, make_video


@pytest.fixture
def project(tmp_path, video):
    Project.create(tmp_path / "project", video, name="My Clip (1).mp4").close()
    return tmp_path / "project"


def test_a_project_comes_back(project, video):
    opened = Project.open(project)
    assert opened.name == "My Clip (1).mp4"
    assert opened.id.startswith("my-clip-1-mp4-")
    assert opened.video == video
    assert (opened.info.num_frames, opened.info.width, opened.info.height) == (5, WIDTH, HEIGHT)
    assert len(opened.frames) == 5
    opened.close()
    again = Project.open_or_create(project, video)
    assert again.id == opened.id
    again.close()


def test_only_one_program_at_a_time(project):
    first = Project.open(project)
    with pytest.raises(ProjectError, match=f"open in another program already .process {os.getpid()}"):
        Project.open(project)
    first.close()
    Project.open(project).close()


def _hold(folder, ready):
    Project.open(folder)
    ready.set()
    os.kill(os.getpid(), 19)  # stops, still holding the project


def test_another_process_holds_it_until_it_is_killed(project):
    context = multiprocessing.get_context("forkserver")
    ready = context.Event()
    process = context.Process(target=_hold, args=(project, ready))
    process.start()
    assert ready.wait(60)
    with pytest.raises(ProjectError, match=f"process {process.pid}"):
        Project.open(project)
    process.kill()
    process.join()
    Project.open(project).close()


def test_another_format_is_named(project):
    record = json.loads((project / "project.json").read_text())
    (project / "project.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(ProjectError, match=f"format 99; this program reads format {FORMAT}"):
        Project.open(project)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 1}', '{"format": 1, "video": 3}'])
def test_damage_is_named(project, text):
    (project / "project.json").write_text(text)
    with pytest.raises(ProjectError, match=r"project\.json"):
        Project.open(project)


def test_no_project(tmp_path):
    with pytest.raises(ProjectError, match="no project in"):
        Project.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_never_two_projects_in_a_folder(project, video):
    with pytest.raises(ProjectError, match="already"):
        Project.create(project, video)


def test_a_missing_video_can_be_found_elsewhere(project, video, tmp_path):
    moved = video.rename(tmp_path / "moved")
    with pytest.raises(ProjectError, match="missing"):
        Project.open(project)
    opened = Project.open(project, video=moved)
    assert opened.video == moved
    opened.close()


def test_a_changed_video_is_refused(project, video):
    Image.fromarray(np.zeros((HEIGHT, WIDTH, 3), np.uint8)).save(video / "999.png")
    with pytest.raises(ProjectError, match="not the video that the project was made for"):
        Project.open(project)
    (video / "999.png").unlink()
    Project.open(project).close()


def test_a_project_with_its_video_inside_can_be_moved(tmp_path):
    folder = tmp_path / "project"
    write_video(folder / "video.mp4", np.zeros((3, 16, 16, 3), np.uint8))
    created = Project.create(folder, folder / "video.mp4")
    assert created.info.rate == 24
    created.close()
    moved = folder.rename(tmp_path / "elsewhere")
    opened = Project.open(moved)
    assert opened.video == moved / "video.mp4"
    opened.close()


@pytest.mark.parametrize("content", [b"", b"not a video", b"\x00" * 1000])
def test_what_is_no_video_makes_no_project(tmp_path, content):
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(ProjectError, match=r"x\.mp4"):
        Project.create(tmp_path / "project", tmp_path / "x.mp4")
    assert not (tmp_path / "project").exists()
    with pytest.raises(ProjectError, match="no video file"):
        Project.create(tmp_path / "project", tmp_path / "none.mp4")


def test_fingerprint_sees_beginning_end_and_length(tmp_path):
    path = tmp_path / "x"
    content = bytearray(os.urandom(300_000))
    path.write_bytes(content)
    first = fingerprint(path)
    for place in (0, 299_999):
        changed = content.copy()
        changed[place] ^= 1
        path.write_bytes(changed)
        assert fingerprint(path) != first
    path.write_bytes(content + b"x")
    assert fingerprint(path) != first
    shutil.copy(path, tmp_path / "y")
    assert fingerprint(tmp_path / "y") == fingerprint(path)


def test_a_video_in_a_folder_is_known_by_its_images(tmp_path):
    assert fingerprint(make_video(tmp_path / "a")) == fingerprint(make_video(tmp_path / "b"))
    assert fingerprint(make_video(tmp_path / "c", 4)) != fingerprint(tmp_path / "a")


def test_images_play_as_fast_as_their_exports(tmp_path):
    folder = make_video(tmp_path / "images")
    with Annotator(Project.create(tmp_path / "project", folder), NearestColour()) as annotator:
        annotator.apply(AddObject())
        export(annotator.annotation(), "matte", tmp_path / "matte.mp4")
        assert annotator.project.frames.frame_rate is None
        assert Frames.open(tmp_path / "matte.mp4").frame_rate == annotator.project.info.rate == DEFAULT_RATE
