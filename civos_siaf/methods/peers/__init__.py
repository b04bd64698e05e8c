"""Systems of others behind the protocol: SAM 2.1, SAM 3, EdgeTAM and Cutie.

Their packages are optional and imported when a network is loaded; see `civos_siaf.weights.hub`.
"""

from civos_siaf.methods.peers.cutie import Cutie
from civos_siaf.methods.peers.sam import Sam

__all__ = ["Cutie", "Sam"]
