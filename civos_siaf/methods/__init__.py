"""Methods: systems behind the protocol of `civos_siaf.protocol`."""

from civos_siaf.methods.civos import CiVOS
from civos_siaf.methods.mivos import MiVOS

__all__ = ["CiVOS", "MiVOS"]
