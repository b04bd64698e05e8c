"""Methods: systems behind the protocol of `civos_siaf.protocol`."""

from civos_siaf.methods.civos import CiVOS
from civos_siaf.methods.mivos import MiVOS
from civos_siaf.methods.nearest_colour import NearestColour

__all__ = ["CiVOS", "MiVOS", "NearestColour"]
