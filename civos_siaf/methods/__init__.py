"""Methods: systems behind the protocol of `civos_siaf.protocol`."""

from civos_siaf.methods.aot_rounds import AotRounds
from civos_siaf.methods.civos import CiVOS
from civos_siaf.methods.mivos import MiVOS
from civos_siaf.methods.nearest_colour import NearestColour
from civos_siaf.methods.siaf import SIAF

__all__ = ["SIAF", "AotRounds", "CiVOS", "MiVOS", "NearestColour"]
