"""Timings of the package's parts: `scripts/speed.py NAME` runs `civos_siaf.speed.NAME.run`.

Each module's `run(**options)` yields one dictionary per row of its table, as soon as it is measured.
"""
