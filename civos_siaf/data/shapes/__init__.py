"""Procedural clips: look-alike textured shapes that move, bend and hide each other; no data set is needed."""

from civos_siaf.data.shapes.clips import ShapesClips, ShapesImages

__all__ = ["ShapesClips", "ShapesImages"]
