import numpy as np
import pytest
from PIL import Image

from civos_siaf.benchmark.mask_scores import Convention, gather, score_masks
from civos_siaf.benchmark.metrics import f_measure, jaccard
from civos_siaf.masks import palette_image

NUM, H, W = 5, 40, 60


def scene(shift=0):
    labels = np.zeros((NUM, H, W), np.uint8)
    for t in range(NUM):
        labels[t, 4:16, 4 + t + shift : 20 + t + shift] = 1
        labels[t, 20:36, 30 - t + shift : 50 - t] = 10
    return labels


def save(folder, labels, names=lambda t: f"{t:05d}", write=palette_image):
    folder.mkdir(parents=True, exist_ok=True)
    for t, one in enumerate(labels):
        write(one).save(folder / f"{names(t)}.png")
    return folder


def score(truth, masks, **how):
    return gather(score_masks(truth, masks, Convention(**how)))


def test_the_inner_frames_of_2017_per_object(tmp_path):
    truth, found = scene(), scene(2)
    save(tmp_path / "DAVIS/Annotations/480p/clip", truth)
    save(tmp_path / "masks/clip", found)
    scores = score(tmp_path / "DAVIS", tmp_path / "masks")
    assert [(item.number, len(item.j)) for item in scores.objects] == [(1, 3), (10, 3)]
    table = np.zeros(256, np.uint8)
    table[[1, 10]] = 1, 2
    np.testing.assert_allclose(scores.j, jaccard(table[truth], table[found], 2)[1:-1].mean())
    np.testing.assert_allclose(scores.f, f_measure(table[truth], table[found], 2)[1:-1].mean())
    scores.write_csv(tmp_path / "scores.csv")
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert lines[0].startswith("sequence,object,frames,j,f,j_and_f")
    assert lines[2].startswith("clip,10,3,")


def test_nothing_found_scores_0_whatever_the_numbers(tmp_path):
    save(tmp_path / "truth", scene())
    save(tmp_path / "masks", scene() * 0)
    scores = score(tmp_path / "truth", tmp_path / "masks", frames="all")
    assert (scores.j, scores.f) == (0, 0)


def test_2016_is_one_object_and_white_masks_are_taken(tmp_path):
    save(tmp_path / "truth", (scene() > 0) * np.uint8(255), write=Image.fromarray)
    save(tmp_path / "masks", (scene() > 0).astype(np.uint8))
    scores = score(tmp_path / "truth", tmp_path / "masks", year=2016)
    assert (scores.j, scores.f, len(scores.objects)) == (1, 1, 1)
    assert score(tmp_path / "truth", tmp_path / "masks", year=2017).j == 1


def test_missing_frames_count_as_empty_and_are_said(tmp_path):
    save(tmp_path / "truth", scene())
    masks = save(tmp_path / "masks", scene())
    (masks / "00002.png").unlink()
    save(masks, scene()[:1], names=lambda t: "00007")
    scores = score(tmp_path / "truth", masks)
    assert scores.j == pytest.approx(2 / 3)
    assert scores.notes[0] == "truth: 1 of 5 frames have no mask (00002); they are empty"
    assert "frames that the truth does not have, 00007" in scores.notes[1]


def test_a_missing_sequence_is_empty_and_said(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "truth" / name, scene())
    save(tmp_path / "masks/a", scene())
    scores = score(tmp_path / "truth", tmp_path / "masks")
    assert scores.j == 0.5
    assert "b: 5 of 5 frames have no mask" in scores.notes[0]


def test_names_are_matched_by_number_or_first(tmp_path):
    save(tmp_path / "truth", scene())
    assert score(tmp_path / "truth", save(tmp_path / "short", scene(), names=str)).j == 1
    late = save(tmp_path / "late", scene(), names=lambda t: f"{t + 1:05d}")
    scores = score(tmp_path / "truth", late)
    assert scores.j < 1
    assert "counted from 1? first=1" in scores.notes[1]
    assert score(tmp_path / "truth", late, first=1).j == 1
    with pytest.raises(ValueError, match="names of masks and truth do not go together"):
        score(tmp_path / "truth", save(tmp_path / "x", scene(), names=lambda t: f"m{t}"))


def test_other_sizes_objects_and_choices(tmp_path):
    save(tmp_path / "truth", scene())
    save(tmp_path / "more", scene() + (scene() == 0) * np.uint8(3))
    assert "objects 3 are not in the truth" in score(tmp_path / "truth", tmp_path / "more").notes[0]
    save(tmp_path / "small", scene()[:, :30])
    with pytest.raises(ValueError, match=r"00000\.png: size \(30, 60\), the truth has \(40, 60\)"):
        score(tmp_path / "truth", tmp_path / "small")
    with pytest.raises(ValueError, match="frames must be inner"):
        Convention(frames="first")
    with pytest.raises(FileNotFoundError, match="no folder of masks"):
        score(tmp_path / "truth", tmp_path / "none")
