"""Masks in their forms: label maps, one-hot stacks, palette PNG files, run lengths."""

from civos_siaf.masks.label_maps import (
    VOID,
    RunLengths,
    davis_palette,
    from_one_hot,
    from_rle,
    is_smoothed,
    one_hot,
    palette_image,
    read_png,
    to_rle,
    write_png,
)

__all__ = [
    "VOID",
    "RunLengths",
    "davis_palette",
    "from_one_hot",
    "from_rle",
    "is_smoothed",
    "one_hot",
    "palette_image",
    "read_png",
    "to_rle",
    "write_png",
]
