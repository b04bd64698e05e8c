"""The light methods with the included weights, as `method=siaf_light` and its likes are.

>>> from civos_siaf.api.light import light_siaf
>>> session = light_siaf().open(frames, num_objects=2)  # doctest: +SKIP
"""

from __future__ import annotations

from civos_siaf.interaction.multi_object_predictor import MultiObjectClickPredictor
from civos_siaf.interaction.scribble_interaction import ScribbleInteraction
from civos_siaf.interaction.zoom import ZoomIn
from civos_siaf.methods import SIAF, CiVOS, MiVOS
from civos_siaf.methods.siaf_interaction import InteractionRules
from civos_siaf.networks.click_network import ClickNetwork
from civos_siaf.propagation.settings import AotSettings, PropagationSettings
from civos_siaf.weights.afi_networks import load_afi_network
from civos_siaf.weights.aot_networks import load_aot_network
from civos_siaf.weights.locate import own_weights
from civos_siaf.weights.mivos_networks import load_network, load_propagation_network


def light_siaf(*, device: str = "cpu") -> SIAF:
    """Strokes, clicks and masks on any number of frames; many objects.

    Args:
        device: where the networks run.

    Raises:
        FileNotFoundError: the included weights are missing.
    """
    return SIAF(
        load_afi_network("light-interaction", own_weights("light_interaction"), device=device),
        load_aot_network("light-identity", own_weights("light_identity"), device=device),
        clicks=light_clicks(device=device),
        rules=InteractionRules(remember=True, context=3, local=True),
        settings=AotSettings(max_memory_frames=10),
        interaction_short=288,
    )


def light_civos(*, device: str = "cpu") -> CiVOS:
    """Clicks; a few objects.

    Args:
        device: where the networks run.

    Raises:
        FileNotFoundError: the included weights are missing.
    """
    return CiVOS(
        light_clicks(device=device),
        load_propagation_network("light-propagation", own_weights("light_propagation"), device=device),
        load_network("light-fusion", own_weights("light_fusion"), device=device),
        settings=PropagationSettings(keep_outdated=False),
        taken="all",
        remember_clicks=True,
    )


def light_mivos(*, device: str = "cpu") -> MiVOS:
    """Scribbles; a few objects.

    Args:
        device: where the networks run.

    Raises:
        FileNotFoundError: the included weights are missing.
    """
    return MiVOS(
        ScribbleInteraction(
            load_network("light-s2m", own_weights("light_s2m"), device=device), scale_to_padded=False
        ),
        load_propagation_network("light-propagation", own_weights("light_propagation"), device=device),
        load_network("light-fusion", own_weights("light_fusion"), device=device),
        settings=PropagationSettings(keep_outdated=False),
        propagate_after=None,
        taken="all",
    )


def light_clicks(*, device: str = "cpu") -> MultiObjectClickPredictor:
    """The click network, every object by itself, with a second look at its surroundings."""
    loaded = load_network("light-clicks", own_weights("light_clicks"), device=device)
    assert isinstance(loaded, ClickNetwork)
    zoom = ZoomIn(target_size=512, skip_clicks=0, expansion_ratio=1.8, max_scale=1.2, keep_outside=True)
    return MultiObjectClickPredictor(loaded, mode="NoBRS", flip=False, untouched="keep", second_look=zoom)
