def test_the_script_ends_well_in_an_empty_folder(script):
    result = script("doctor.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Machine\n")
    assert "eval_davis.py click_strategy=f3" in result.stdout
    assert result.stderr == ""


def test_a_folder_that_is_not_there_is_named(script):
    result = script("doctor.py", "--data", "/nowhere/data")
    assert result.returncode == 1
    assert result.stderr == "there is no folder /nowhere/data\n"
