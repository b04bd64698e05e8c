"""Run a tiny training, alone or under torchrun: run_tiny.py FOLDER STEPS WORKERS [BATCH] [NORM] [SECONDS].

NORM 0: the batch norm keeps its statistics, and nothing is dropped.
"""

import os
import sys
import time
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from tiny import MeanScore, TinyData, TinyNetwork, TinyTask

from civos_siaf.training.distribution import join
from civos_siaf.training.loop import Every, Trainer


def main() -> None:
    folder, steps, workers, batch, norm, pause = (*sys.argv[1:], *("4", "1", "0")[len(sys.argv) - 4 :])
    held_at = int(os.environ.get("TINY_HOLD_AT", "0"))  # step after which it waits to be killed
    torch.set_num_threads(1)
    with join("cpu") as process:
        torch.manual_seed(3)
        frozen = norm == "0"
        network = TinyNetwork(dropout=0.0 if frozen else 0.2)
        trainer = Trainer(
            TinyTask(network, frozen=[network.body[1]] if frozen else []),
            TinyData(),
            folder=folder,
            steps=int(steps),
            batch_size=int(batch),
            accumulate=2,
            optimizer=partial(torch.optim.Adam, weight_decay=1e-3),
            lr=1e-2,
            clip_norm=1.0,
            ema_decay=0.9,
            seed=5,
            workers=int(workers),
            process=process,
            every=Every(log=1, picture=4, save=3, keep=6, validate=5),
            validation=MeanScore(),
        )
        for progress in trainer.run():
            time.sleep(600 if progress.step == held_at else float(pause))


if __name__ == "__main__":
    main()
