import pytest

from civos_siaf.benchmark import DavisDataset, ManualClock, Rules
from civos_siaf.benchmark.report import COLUMNS, Report, original_csv, read_report, rows_of
from civos_siaf.benchmark.rounds import SampleRounds
from civos_siaf.benchmark.samples import all_samples


@pytest.fixture(scope="module")
def scores():
    data = DavisDataset()
    sample = all_samples(map(data.info, data.sequences))[0]
    rounds = SampleRounds(data, sample, rules=Rules(), clock=ManualClock())
    rounds.hand_out()
    masks = rounds.truth.copy()
    masks[:, :, 90:] = 0
    return rounds.submit(masks)


def rows(scores, **options):
    return list(rows_of(scores, session_id="s", **options))


def test_rows_go_by_frame_then_object(scores):
    table = rows(scores, clicks=3, strokes=4)
    assert len(table) == 12
    first = dict(zip(COLUMNS, table[1], strict=True))
    assert (first["frame"], first["object_id"], first["interaction"]) == (0, 2, 1)
    assert (first["clicks"], first["strokes"], first["annotated_frames"]) == (3, 4, "1")
    assert first["j_and_f"] == 0.5 * first["jaccard"] + 0.5 * first["contour"]


def test_what_was_written_is_read_back_exactly(tmp_path, scores):
    report = Report(tmp_path)
    report.add(rows(scores))
    assert read_report(tmp_path / "report.csv").equals(report.table())


def test_only_finished_samples_survive_an_interruption(tmp_path, scores):
    report = Report(tmp_path)
    report.add(rows(scores))
    report.finish(scores.sample.key)
    cut = [(*row[:1], "mini-b", *row[2:]) for row in rows(scores)]
    report.add(cut)
    with (tmp_path / "report.csv").open("a") as file:
        file.write("s,mini-b,1,2,1,0,0.5")  # killed in the middle of a line
    with (tmp_path / "finished.jsonl").open("a") as file:
        file.write('["mini-b"')
    again = Report(tmp_path)
    assert again.finished == {("mini-a", "1")}
    assert again.table().equals(report.table()[:12])
    assert (tmp_path / "report.csv").read_text().count("\n") == 13


def test_the_originals_format(scores):
    report = Report()
    report.add(rows(scores))
    lines = original_csv(report.table()).splitlines()
    assert lines[0].startswith(",session_id,sequence,scribble_idx,interaction,object_id,frame,jaccard")
    assert lines[1].startswith("0,s,mini-a,1,1,1,0,")
    assert lines[1].count(",") == 10


def test_what_is_no_report_is_refused(tmp_path):
    path = tmp_path / "r.csv"
    with pytest.raises(FileNotFoundError, match="no report at"):
        read_report(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"r\.csv: not a report, no column session_id"):
        read_report(path)
    path.write_text("")
    with pytest.raises(ValueError, match="not a report"):
        read_report(path)
    path.write_text(",".join(COLUMNS) + "\n" + "s,a,1,x" + "," * 9 + "\n")
    with pytest.raises(ValueError, match="a row is not one of a report"):
        read_report(path)
