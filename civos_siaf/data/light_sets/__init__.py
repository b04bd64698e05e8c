"""The data of the light trainings, made from published data sets: smaller images, masks as run lengths."""

from civos_siaf.data.light_sets.prepare import LightSets, Step
from civos_siaf.data.light_sets.sources import PAGES

__all__ = ["PAGES", "LightSets", "Step"]
