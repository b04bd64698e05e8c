"""Annotate videos in the browser: python scripts/annotate.py clip.mp4

Without a video the page shows the projects there are and takes a file. Options: configs/annotate.yaml.
"""

import hydra
from omegaconf import DictConfig

from civos_siaf.api.configuration import built
from civos_siaf.app.server.launch import serve
from civos_siaf.app.server.lazy_method import LazyMethod
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.cli.arguments import prepare
from civos_siaf.cli.device import choose
from civos_siaf.cli.errors import clear_errors, complete
from civos_siaf.protocol import Method


def run(cfg: DictConfig) -> None:
    def build() -> Method:
        choose(cfg)
        if cfg.threads is not None:
            import torch  # here, as it takes longer to load than the page

            torch.set_num_threads(cfg.threads)
        method: Method = built(cfg.method)
        return method

    library = ProjectRegistry(
        cfg.projects,
        LazyMethod(build, name=cfg.method_name),
        max_upload=cfg.max_upload,
        next_frame=built(cfg.next_frame),
    )
    serve(
        library,
        host=cfg.host,
        port=cfg.port,
        allowed_hosts=list(cfg.allowed_hosts),
        public_url=cfg.public_url,
        project=library.find_or_create(cfg.video) if cfg.video else None,
        open_browser=cfg.open_browser,
    )


@hydra.main(version_base="1.3", config_path="../configs", config_name="annotate")
def main(cfg: DictConfig) -> None:
    with clear_errors():
        run(complete(cfg))


if __name__ == "__main__":
    prepare(__file__, first="video", inputs=("video",), outputs=("projects",))
    with clear_errors():
        main()
