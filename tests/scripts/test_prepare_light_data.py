from tests.data.layouts import write_coco


def test_the_script_makes_what_is_given_and_says_what_is_not(tmp_path, script):
    write_coco(tmp_path / "my coco, #1")
    done = script("prepare_light_data.py", "out=made", "coco=my coco, #1", "limit=2")
    assert done.returncode == 0, done.stderr
    assert "made/coco: 2 pictures looked at" in done.stdout
    assert "left out, not given: cars=...  https://github.com/dsmlr/Car-Parts-Segmentation" in done.stdout
    assert "train with task.network.backbone=imagenet" in done.stdout
    done = script("prepare_light_data.py", "out=made", "coco=my coco, #1", "limit=2")
    assert "made/coco: made before" in done.stdout
    done = script("prepare_light_data.py", "out=made", "cars=nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cars=nowhere: there is no such folder; get it from https://github")
