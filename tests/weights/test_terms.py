import re
from pathlib import Path

import pytest

from civos_siaf.runtime.resources import resource_folder
from civos_siaf.weights import terms
from civos_siaf.weights.click_networks import build, load_into
from civos_siaf.weights.locate import own_weights

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def anew(monkeypatch):
    monkeypatch.setattr(terms, "_said", False)


def test_the_first_use_of_included_weights_says_their_terms_once(caplog):
    for _ in range(2):
        load_into(build("light-clicks"), own_weights("light_clicks"))
    assert len([text for text in caplog.messages if "non-commercial" in text]) == 1


def test_other_files_have_other_terms(caplog, tmp_path):
    terms.say_terms(tmp_path / "light_clicks.safetensors")
    terms.say_terms(resource_folder("checkpoints") / "civos.pth")
    assert caplog.messages == []


def test_the_package_says_both_licences():
    text = (ROOT / "pyproject.toml").read_text()
    assert re.search(r'^license = "MIT AND LicenseRef-civos-siaf-weights"$', text, re.MULTILINE)
    assert '"LICENSE-WEIGHTS"' in text
    assert "non-commercial" in " ".join((ROOT / "LICENSE-WEIGHTS").read_text().split())
