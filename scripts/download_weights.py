"""Fetch published weights: python scripts/download_weights.py NAME [NAME ...]; without a name: list them."""

import argparse

from tqdm import tqdm

from civos_siaf.cli.errors import clear_errors
from civos_siaf.weights import hub
from civos_siaf.weights.download import download, sha256
from civos_siaf.weights.manifest import RECORDS, find_record, manifest


def fetch(name: str, folder: str) -> None:
    if (model := manifest().hub.get(name)) is not None:
        path = hub.fetch(model, folder)
        print(f"{path}\nlicence {model.licence}, from {model.page}")
        return
    record = find_record(name)
    with tqdm(unit="B", unit_scale=True, desc=record.file_name) as bar:

        def show(done: int, total: int | None) -> None:
            bar.total = total
            bar.n = done
            bar.refresh()

        path = download(record, folder, progress=show)
    checked = "verified" if record.sha256 else "recorded, the source publishes none"
    print(f"{path}\nsha256 {sha256(path)} ({checked})\nlicence {record.licence}, from {record.page}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--folder", default="checkpoints")
    options = parser.parse_args()
    if not options.names:
        for record in RECORDS:
            print(f"{record.name:<20} {record.file_name:<32} {record.metric}")
        for model in manifest().hub.values():
            gated = ", gated" if model.gated else ""
            print(f"{model.name:<20} {model.repository:<32} {model.megabytes} MB, {model.licence}{gated}")
    with clear_errors():
        for name in options.names:
            fetch(name, options.folder)


if __name__ == "__main__":
    main()
