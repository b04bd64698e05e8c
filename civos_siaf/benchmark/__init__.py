"""The DAVIS interactive benchmark: the published protocol, number for number, for any method.

A method is anything with the calls of `civos_siaf.protocol`; `evaluate` plays it against the robot.
"""

from civos_siaf.benchmark.clicks import ClickStrategy, click_strategy
from civos_siaf.benchmark.clock import Clock, FixedClock, ManualClock, WallClock
from civos_siaf.benchmark.dataset import DavisDataset
from civos_siaf.benchmark.evaluation import Evaluation, PlayedRound, evaluate
from civos_siaf.benchmark.metrics import f_measure, jaccard
from civos_siaf.benchmark.published_data import published_davis
from civos_siaf.benchmark.results import merge_shards, write_results
from civos_siaf.benchmark.robot import ScribbleRobot
from civos_siaf.benchmark.rules import Rules, TimeLimit
from civos_siaf.benchmark.samples import Shard
from civos_siaf.benchmark.session import InteractiveSession
from civos_siaf.benchmark.sheets import ContactSheets
from civos_siaf.benchmark.stroke_noise import StrokeNoise
from civos_siaf.benchmark.summary import Curve, Summary, summarise

__all__ = [
    "ClickStrategy",
    "Clock",
    "ContactSheets",
    "Curve",
    "DavisDataset",
    "Evaluation",
    "FixedClock",
    "InteractiveSession",
    "ManualClock",
    "PlayedRound",
    "Rules",
    "ScribbleRobot",
    "Shard",
    "StrokeNoise",
    "Summary",
    "TimeLimit",
    "WallClock",
    "click_strategy",
    "evaluate",
    "f_measure",
    "jaccard",
    "merge_shards",
    "published_davis",
    "summarise",
    "write_results",
]
