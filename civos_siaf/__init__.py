"""civos_siaf: interactive video object segmentation."""

from civos_siaf.prompts import Box, Click, MaskPrompt, Prompts, Scribble
from civos_siaf.protocol import Method, Session
from civos_siaf.video.frames import Frames

__version__ = "0.1.0"

__all__ = ["Box", "Click", "Frames", "MaskPrompt", "Method", "Prompts", "Scribble", "Session", "__version__"]
