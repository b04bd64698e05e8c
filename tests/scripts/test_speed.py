def test_the_parts_are_listed(script):
    done = script("speed.py", "nonsense")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no part 'nonsense'; there are aot, clicks, ")
    helped = script("speed.py", "--help")
    assert helped.returncode == 0
    assert "parts: aot, clicks, " in helped.stdout
    wrong = script("speed.py", "metrics", "frame=3")
    assert wrong.returncode == 1
    assert wrong.stderr.startswith("error: no option 'frame' of metrics; there are frames")
    assert wrong.stderr.count("\n") == 1


def test_a_small_run(script):
    done = script("speed.py", "metrics", "frames=2", "height=60", "width=90", "repeats=1")
    assert done.returncode == 0, done.stderr
    assert "J per frame" in done.stdout
    assert "clicks f3_regions" in done.stdout
    assert script("speed.py", "metrics", "frames").returncode == 1
