"""Scribbles of a data set by the robot of DAVIS: python scripts/make_scribbles.py youtubevos ROOT

They are written as JSON files as DAVIS has them, ROOT/Scribbles/<video>/001.json; files that are there stay.
"""

import argparse
from pathlib import Path

from tqdm import tqdm

from civos_siaf.benchmark.write_scribbles import write_scribbles
from civos_siaf.cli.errors import clear_errors
from civos_siaf.data.videos import DavisVideos, FolderVideos, YouTubeVosVideos


def opened(kind: str, root: str, split: str) -> FolderVideos:
    if kind == "davis":
        return DavisVideos(root, split=split)
    return YouTubeVosVideos(root)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=("davis", "youtubevos"), help="layout of the data set")
    parser.add_argument("root", help="its folder, as for the trainings")
    parser.add_argument("--split", default="train", help="of DAVIS, a list in ImageSets/2017")
    parser.add_argument("--count", type=int, default=3, help="files of each video (default: 3)")
    parser.add_argument("--out", help="folder for the files (default: ROOT/Scribbles)")
    options = parser.parse_args()
    with clear_errors():
        videos = opened(options.kind, options.root, options.split)
        out = Path(options.out or Path(options.root) / "Scribbles")
        files = 0
        for _, written in tqdm(write_scribbles(videos, out, count=options.count), total=len(videos)):
            files += written
        print(f"{files} files written below {out}")


if __name__ == "__main__":
    main()
