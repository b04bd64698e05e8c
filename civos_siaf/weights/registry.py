"""The published weights by name, and where they come from: those of `checkpoints/manifest.yaml`."""

from __future__ import annotations

from civos_siaf.weights.manifest import WeightRecord, manifest

__all__ = ["RECORDS", "WeightRecord", "find"]

RECORDS: tuple[WeightRecord, ...] = tuple(manifest().published.values())


def find(name: str) -> WeightRecord:
    """The record of a name.

    Raises:
        ValueError: no such weights; lists those there are.
    """
    for record in RECORDS:
        if record.name == name:
            return record
    raise ValueError(f"no weights called {name!r}; there are {', '.join(r.name for r in RECORDS)}")
