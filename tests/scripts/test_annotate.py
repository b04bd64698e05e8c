"""The annotation tool as a person starts it."""

import contextlib
import http.client
import json
import signal
from urllib.parse import urlsplit

import numpy as np
import pytest

from civos_siaf.video.writer import write_video

# A method that is there at once: none of these tests asks it.
TOY = ("method=nearest_colour", "method._target_=types.SimpleNamespace")
OPTIONS = (*TOY, "open_browser=false", "device=cpu")


@pytest.fixture
def clip(tmp_path):
    frames = np.zeros((4, 32, 48, 3), np.uint8)
    frames[:, 8:16, 8:16] = 200
    write_video(tmp_path / "clip.mp4", frames)
    return tmp_path / "clip.mp4"


@contextlib.contextmanager
def running(script, *arguments):
    """Start it; the lines up to the address, and the process, which is interrupted at the end."""
    process = script("annotate.py", *OPTIONS, *arguments, start=True, PYTHONUNBUFFERED="1")
    lines = []
    try:
        while not lines or not lines[-1].startswith("http"):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            lines.append(line.strip())
        yield lines
    finally:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=20)
    assert (process.returncode, out, errors) == (0, "", "")


def ask(url, path, body=None):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    data = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", parts.path + path, body=data)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return json.loads(content)


def test_a_video_is_opened_and_opened_again(script, clip):
    with running(script, "video=clip.mp4") as (url,):
        project = urlsplit(url).fragment
        assert urlsplit(url).hostname == "127.0.0.1"
        state = ask(url, f"api/projects/{project}")
        assert (state["project"]["num_frames"], state["model"]["name"]) == (4, "nearest_colour")
        ask(url, f"api/projects/{project}/actions", {"type": "add_object", "name": "square"})
    with running(script, f"video={clip}") as (again,):
        assert urlsplit(again).fragment == project
        assert urlsplit(again).path != urlsplit(url).path
        state = ask(again, f"api/projects/{project}")
        assert [item["name"] for item in state["objects"]] == ["square"]


def test_without_a_video_there_is_the_list_and_a_warning_where_others_can_reach_it(script):
    with running(script, "host=0.0.0.0", "allowed_hosts=[127.0.0.1]") as (warning, url):
        assert "only protection" in warning
        parts = urlsplit(url)
        assert parts.fragment == ""
        local = url.replace(parts.netloc, f"127.0.0.1:{parts.port}")
        assert ask(local, "api/projects") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("video=nothing.mp4",), "video: no file or folder at nothing.mp4"),
        (("video=clip.txt",), "not a readable video"),
        (("port=99999999",), "cannot listen"),
        (("host=nowhere.invalid",), "cannot listen"),
    ],
)
def test_mistakes_are_told_in_a_line(script, tmp_path, arguments, message):
    (tmp_path / "clip.txt").write_text("hello")
    process = script("annotate.py", *OPTIONS, *arguments)
    assert process.returncode == 1
    assert message in process.stderr
    assert process.stderr.startswith("error: ")
    assert process.stderr.count("\n") == 1
