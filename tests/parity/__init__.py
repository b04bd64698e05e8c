"""Comparing this package with recorded answers of the original implementations.

A fixture folder holds arrays (`.npz`), JSON and CSV files. Each checker covers the files it names; what no
checker covers is reported, so that nothing passes by not being looked at.
"""

from tests.parity.check import Check, Folder, check_folder

__all__ = ["Check", "Folder", "check_folder"]
