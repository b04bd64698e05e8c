"""Interaction across frames (AFI): prompts of several frames together to their masks (spec siaf 2-6)."""
