"""Interaction across frames (AFI): prompts of several frames together to their masks.

Source: docs/specification/siaf.md section 2-6.
"""
