"""Look through training data before relying on it: python scripts/check_data.py LAYOUT PATH ... [options]."""

import argparse
import sys
from collections.abc import Iterator

from tqdm import tqdm

from civos_siaf.cli.errors import clear_errors
from civos_siaf.data.check_images import check_coco, check_saliency
from civos_siaf.data.check_summary import Checked, DataSummary
from civos_siaf.data.check_videos import check_bl30k, check_davis, check_youtubevos

LAYOUTS = ("davis", "youtubevos", "bl30k", "coco", "lvis", "saliency")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", choices=LAYOUTS)
    parser.add_argument("path", help="root of the data set; coco and lvis: the annotation file")
    parser.add_argument("images", nargs="?", help="coco and lvis: folder of images")
    parser.add_argument("--year", type=int, default=2017, choices=(2016, 2017), help="davis")
    parser.add_argument("--resolution", default="480p", help="davis")
    parser.add_argument("--split", help="davis: a list (all by default); youtubevos: a folder (train)")
    parser.add_argument("--limit", type=int, help="so many videos or images")
    parser.add_argument("--show", type=int, default=20, help="so many problems")
    args = parser.parse_args()
    if (args.images is None) == (args.layout in ("coco", "lvis")):
        parser.error("coco and lvis need ANNOTATIONS and IMAGES, the other layouts one path")
    return args


def parts(args: argparse.Namespace) -> Iterator[Checked]:
    if args.layout == "davis":
        options = {"year": args.year, "resolution": args.resolution, "split": args.split}
        return check_davis(args.path, **options, limit=args.limit)
    if args.layout == "youtubevos":
        return check_youtubevos(args.path, split=args.split or "train", limit=args.limit)
    if args.layout == "bl30k":
        return check_bl30k(args.path, limit=args.limit)
    if args.layout == "saliency":
        return check_saliency(args.path, limit=args.limit)
    return check_coco(args.path, args.images, limit=args.limit)


@clear_errors()
def main() -> int:
    args, summary = parse(), DataSummary()
    with tqdm(unit="item", disable=None) as bar:
        for part in parts(args):
            summary.add(part)
            bar.total = part.total
            bar.update()
    print("\n".join(f"{name:<24}{value}" for name, value in summary.rows()))
    print("\n".join(str(problem) for problem in summary.problems[: args.show]))
    return 1 if summary.problems else 0


if __name__ == "__main__":
    sys.exit(main())
