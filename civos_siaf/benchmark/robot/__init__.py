"""The scribble robot: draws on a frame what is wrong with its masks, as the DAVIS toolkit's does."""

from civos_siaf.benchmark.robot.robot import ScribbleRobot, Stroke

__all__ = ["ScribbleRobot", "Stroke"]
