"""The lock where there is no fcntl, and what can be imported where Windows is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from civos_siaf.app.storage import project
from civos_siaf.app.storage.project import Project, ProjectError

ROOT = Path(__file__).parents[3]

IMPORTS = """
import sys
for name in ("fcntl", "resource"):
    sys.modules[name] = None  # as on Windows: importing it fails
import importlib, pathlib, pkgutil
import civos_siaf.api.open_project
import civos_siaf.app
for module in pkgutil.walk_packages(civos_siaf.app.__path__, "civos_siaf.app."):
    importlib.import_module(module.name)
    print(module.name)
from civos_siaf.app.server import machine
machine.Path = lambda path: pathlib.Path("/nowhere")  # nor a file that tells the memory
assert machine.resident_bytes() is None
"""


def test_the_app_is_imported_without_what_windows_lacks():
    done = subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"civos_siaf.app.storage.project", "civos_siaf.app.server.launch"} <= set(done.stdout.split())


class Windows:
    """The locks of msvcrt: of bytes of a file, until its descriptor is closed."""

    LK_NBLCK = 2

    def __init__(self):
        self.locked = {}

    def locking(self, file, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        place = (os.fstat(file).st_ino, os.lseek(file, 0, os.SEEK_CUR))
        if place in self.locked:
            raise PermissionError(13, "Permission denied")
        self.locked[place] = file

    def closed(self, file):
        self.locked = {place: held for place, held in self.locked.items() if held != file}


def test_a_project_is_locked_with_the_locks_of_windows(tmp_path, video, monkeypatch):
    windows = Windows()
    monkeypatch.setattr(project, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    first = Project.create(tmp_path / "project", video)
    with pytest.raises(ProjectError, match=f"open in another program already .process {os.getpid()}"):
        Project.open(tmp_path / "project")
    ((_, place),) = windows.locked
    assert place > 1000  # who holds it is read from the beginning, which must not be locked
    held = first._lock
    first.close()
    windows.closed(held)
    second = Project.open(tmp_path / "project")
    assert (tmp_path / "project" / "lock").read_text() == str(os.getpid())
    second.close()
