"""Methods: systems behind the protocol of `civos_siaf.protocol`."""

from civos_siaf.methods.nearest_colour import NearestColour

__all__ = ["NearestColour"]
