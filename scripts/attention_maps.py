"""Draw where a point of a frame looks on others: python scripts/attention_maps.py afi-r50 WEIGHTS IMAGE ...

As Fig. 4 of SIAF. The frames are those of one round; without strokes the network sees the images alone.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from civos_siaf.cli.errors import clear_errors
from civos_siaf.interaction.attention_maps import attention_maps
from civos_siaf.networks.afi.network import Afi
from civos_siaf.networks.imagenet import normalize
from civos_siaf.runtime.files import atomic_path
from civos_siaf.video.image_pixels import read_image
from civos_siaf.weights.afi_networks import load_afi_network


def drawn(image: np.ndarray, share: np.ndarray, point: tuple[int, int] | None) -> np.ndarray:
    """A frame (H, W, 3) with its map (h, w) over it, and a cross at the point (row, column)."""
    heat = cv2.resize(share, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap(np.uint8(255 * heat), cv2.COLORMAP_INFERNO)[..., ::-1]
    mixed = np.ascontiguousarray((0.45 * image + 0.55 * colours).astype(np.uint8))
    if point is not None:
        cv2.drawMarker(mixed, point[::-1], (0, 255, 0), cv2.MARKER_CROSS, 20, 2)
    return mixed


def run(options: argparse.Namespace) -> None:
    network = load_afi_network(options.architecture, options.weights, device=options.device, fast=False)
    if not isinstance(network, Afi):
        raise ValueError(f"{options.architecture} is not afi-r50, afi-swinb or afi-light")
    device = next(network.parameters()).device
    images = [read_image(path) for path in options.images]
    size = tuple(side // network.stride * network.stride for side in images[0].shape[:2])
    frames = [cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA) for image in images]
    pixels = torch.from_numpy(np.stack(frames)).to(device).permute(0, 3, 1, 2).float() / 255
    nothing = torch.zeros(1, len(frames), 11, *size, device=device)
    scale = size[0] / images[0].shape[0], size[1] / images[0].shape[1]
    x, y = options.point
    height, width = images[0].shape[:2]
    if not (0 <= x < width and 0 <= y < height and 0 <= options.frame < len(images)):
        raise ValueError(
            f"--point {x} {y} --frame {options.frame}: "
            f"there are {len(images)} images of {width}x{height} pixels"
        )
    point = (options.frame, int(y * scale[0]), int(x * scale[1]))
    maps = attention_maps(network, normalize(pixels)[None], nothing, nothing, point=point).cpu().numpy()
    maps = maps / maps.max()
    row = [
        drawn(frame, share, point[1:] if number == options.frame else None)
        for number, (frame, share) in enumerate(zip(frames, maps, strict=True))
    ]
    with atomic_path(options.out) as path:
        Image.fromarray(np.concatenate(row, axis=1)).save(path)
    print(f"written: {options.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("architecture", help="afi-r50, afi-swinb or afi-light")
    parser.add_argument("weights", help="a trained file")
    parser.add_argument("images", nargs="+", type=Path, help="frames of one video")
    parser.add_argument("--frame", type=int, default=0, help="number of the image with the point")
    parser.add_argument("--point", type=int, nargs=2, required=True, metavar=("X", "Y"), help="in pixels")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", default="attention.png")
    with clear_errors():
        run(parser.parse_args())


if __name__ == "__main__":
    main()
