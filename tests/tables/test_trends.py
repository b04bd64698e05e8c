import pytest

from civos_siaf.tables import Trend


def check(relation, values, *, tolerance=0.0, along="columns"):
    columns = [str(i) for i in range(len(values))]
    keys = ("row", columns) if along == "columns" else (columns, "row")
    entry = {"text": "x", "along": along, "relation": relation, "tolerance": tolerance}
    rows, heads = (["row"], columns) if along == "columns" else (columns, ["row"])
    trend = Trend.of(entry, rows=rows, columns=heads, where="here")
    pairs = [(keys[0], c) if along == "columns" else (c, keys[1]) for c in columns]
    return trend.check(dict(zip(pairs, values, strict=True)))


@pytest.mark.parametrize("along", ["rows", "columns"])
@pytest.mark.parametrize(
    ("relation", "values", "tolerance", "holds"),
    [
        ("rising", [1, 2, 3], 0, True),
        ("rising", [1, 2, 2], 0, False),
        ("rising", [1, None, 3], 0, True),
        ("rising", [1, None, 0.5], 0, False),
        ("rising", [1, None], 0, None),
        ("not_falling", [1, 1, 0.96], 0.05, True),
        ("not_falling", [1, 1, 0.94], 0.05, False),
        ("flat", [10, 11, 12], 0.2, True),
        ("flat", [12, 10, 13], 0.2, False),
    ],
)
def test_relations(relation, values, tolerance, holds, along):
    found = check(relation, values, tolerance=tolerance, along=along)
    assert found.holds is holds
    assert bool(found.failures) is (holds is False)


def test_failures_come_with_the_figures():
    assert str(check("rising", [0.5, 0.4, 0.6])) == "does not hold: row: 0.4 at 1 after 0.5 at 0"
    assert str(check("flat", [10, 20], tolerance=0.25)) == (
        "does not hold: row: 20 at 1, 10 at 0 (more than 25% apart)"
    )
    assert str(check("rising", [1, 2])) == "holds"
    assert str(check("rising", [1])) == "nothing to compare"


@pytest.mark.parametrize("change", [{"relation": "up"}, {"along": "x"}, {"rows": ["z"]}, {"columns": ["z"]}])
def test_unknown_entries_are_named(change):
    entry = {"text": "claim", "along": "rows", "relation": "flat", **change}
    with pytest.raises(ValueError, match=r"here, trend 'claim': .* is not known"):
        Trend.of(entry, rows=["a"], columns=["b"], where="here")
