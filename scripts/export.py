"""Export an annotated video: python scripts/export.py project=folder format=coco out=masks.json

Of the formats that have them: classes=names.txt (a name in every line: fixed numbers of classes),
frames=reviewed. Other options: +options.every=5 (python scripts/export.py --formats lists them all). The
project must not be open in the annotation tool, which exports by itself.
"""

import sys

import hydra
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from civos_siaf.app.exports import export, formats, read_class_file
from civos_siaf.app.session.annotator import open_annotation
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.errors import clear_errors, complete


def list_formats() -> None:
    for entry in formats():
        print(f"{entry['id']}: {entry['title']}")
        options = entry["options"]
        assert isinstance(options, list)
        for option in options:
            choices = f" ({', '.join(option['choices'])})" if "choices" in option else ""
            print(f"    {option['name']}={option['default']}: {option['help']}{choices}")


def run(cfg: DictConfig) -> None:
    options = OmegaConf.to_container(cfg.options)
    assert isinstance(options, dict)
    given = {"classes": cfg.classes, "frames": cfg.frames}
    options |= {name: value for name, value in given.items() if value is not None}
    with (
        open_annotation(cfg.project, video=cfg.video) as annotation,
        tqdm(unit="frame", desc=cfg.format, disable=None) as bar,
    ):

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        path = export(
            annotation,
            cfg.format,
            cfg.out,
            options=read_class_file({str(name): value for name, value in options.items()}),
            progress=show,
        )
    print(path)


@hydra.main(version_base="1.3", config_path="../configs", config_name="export")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    if sys.argv[1:] == ["--formats"]:
        list_formats()
    else:
        prepare(__file__, first="project", inputs=("project", "video"), outputs=("out", "classes"))
        with clear_errors():
            main()
