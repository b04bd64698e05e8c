import pytest

import civos_siaf as cs
from civos_siaf.next_frame import EvenFrames


@pytest.fixture
def played(monkeypatch):
    """What an evaluation is begun with."""
    calls = []
    monkeypatch.setattr("civos_siaf.api.evaluation.play", lambda *args, **options: calls.append(options))
    return calls


def test_the_next_frame_by_name_or_as_a_chooser(played):
    chooser = EvenFrames(2)
    cs.evaluate("nearest_colour", rounds=5)
    cs.evaluate("nearest_colour", rounds=5, next_frame="even")
    cs.evaluate("nearest_colour", next_frame=chooser)
    assert [type(call["next_frame"]).__name__ for call in played[:2]] == ["WorstFrame", "EvenFrames"]
    assert played[1]["next_frame"].positions == 5
    assert played[2]["next_frame"] is chooser


def test_another_name_lists_those_there_are(played):
    with pytest.raises(ValueError, match=r"did you mean 'even'\? There are agent, .* worst"):
        cs.evaluate("nearest_colour", next_frame="evn")


def test_missing_weights_say_where_they_are_to_be_had(played, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no agent\.pt .*download_weights\.py ivosw-agent"):
        cs.evaluate("nearest_colour", next_frame="agent_oracle")
