"""What a person, or the robot, drew: on which frame, for which object."""

from civos_siaf.prompts.types import (
    EDGE,
    Box,
    Click,
    MaskPrompt,
    Prompt,
    PromptKindError,
    Prompts,
    Scribble,
    check_position,
)

__all__ = [
    "EDGE",
    "Box",
    "Click",
    "MaskPrompt",
    "Prompt",
    "PromptKindError",
    "Prompts",
    "Scribble",
    "check_position",
]
