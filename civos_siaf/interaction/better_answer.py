"""Whether a click network should have been shown the previous mask."""

from __future__ import annotations

from collections.abc import Sequence

from civos_siaf.interaction.click_guarantee import THRESHOLD, disagreeing
from civos_siaf.interaction.predictor import Probability
from civos_siaf.prompts import Click

ALIKE = 0.85
"""IoU from which on two answers count as the same one."""
SETTLED = 0.95
"""IoU with the answer before from which on a further look is not worth its time."""
SURE = 0.85
"""Sureness from which on no further look is needed."""
KEPT = 0.8
"""Sureness from which on a corrected mask stays; it and the margin were chosen on DAVIS validation frames."""
MARGIN = 0.02
"""How much surer an answer without the previous mask has to be."""
LOST = 0.5
"""Sureness below which an answer that has nothing of a sure previous mask is not believed."""
PART = 0.25
"""IoU with the corrected answer that a fresh one needs; it may otherwise be a sure part of the object."""


def better_answer(corrected: Probability, fresh: Probability, clicks: Sequence[Click]) -> Probability:
    """The answer from the previous mask or the one from nothing, whichever follows all clicks, or is surer.

    A network that was shown a wrong mask tends to keep it, and one that was shown none knows nothing of the
    clicks of other frames. So the fresh answer is taken only in the place of one that is not sure, and not
    if it is something else altogether: a network is quickly sure of the small part around a click.

    Args:
        corrected: (H, W) from the previous mask and the clicks.
        fresh: (H, W) from the clicks alone.
        clicks: on this object.
    """
    wrong, wrong_fresh = disagreeing(corrected, clicks), disagreeing(fresh, clicks)
    if wrong != wrong_fresh:
        return corrected if wrong < wrong_fresh else fresh
    sure = sureness(corrected)
    surer = sure < KEPT and sureness(fresh) > sure + MARGIN
    return fresh if surer and not differ(corrected, fresh, alike=PART) else corrected


def is_lost(answer: Probability, previous: Probability) -> bool:
    """Whether an answer (H, W) has lost the object of a sure previous mask, and is not sure of anything.

    It happens where clicks in small holes of a good mask make a network doubt the whole.
    """
    return sureness(answer) < LOST and sureness(previous) >= KEPT and differ(answer, previous, alike=PART)


def differ(left: Probability, right: Probability, *, alike: float = ALIKE) -> bool:
    """Whether the IoU of two answers (H, W) is below `alike`; two empty ones do not differ."""
    one, other = left > THRESHOLD, right > THRESHOLD
    union = int((one | other).sum())
    return union > 0 and bool((one & other).sum() < alike * union)


def sureness(prob: Probability) -> float:
    """The IoU that a mask would have if its probabilities (H, W) were true, in [0, 1]."""
    mask = prob > THRESHOLD
    union = float(prob.sum() + (1 - prob)[mask].sum())
    return float(prob[mask].sum()) / union if union else 0.0
