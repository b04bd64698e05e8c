"""Refinement by back-propagation: f-BRS, RGB-BRS and DistMap-BRS (docs/specification/ritm.md section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from civos_siaf.interaction.brs_optimizer import ClickOptimizer
from civos_siaf.interaction.refinement import NoRefinement, Refinement, points_tensor
from civos_siaf.interaction.transforms import Clicks
from civos_siaf.networks.click_network import ClickNetwork, Features, Stage, resize

OPTIMIZE_AFTER = 1
"""With so many clicks or fewer the network's answer is taken as it is."""


@dataclass(frozen=True)
class _FeatureState:
    variables: NDArray[np.float64] | None = None
    features: Features | None = None
    expendable: bool = False
    """The next click makes new features anyway."""


class FeatureBrs:
    """f-BRS: a scale and a bias per channel of the features at a stage, kept from click to click.

    Args:
        stage: where the features are taken; A and B are the same place in HRNet.
        optimizer: how the variables are found.
        net_clicks_limit: only the first so many clicks are shown to the network; all are in the loss.
        reset_on_crop: start from zero when the region changes; published: the variables stay.
        penalty: weight of the squared scales; the biases weigh `bias_factor` times as much.
        bias_factor: see `penalty`.
    """

    def __init__(
        self,
        stage: Stage = "B",
        *,
        optimizer: ClickOptimizer | None = None,
        net_clicks_limit: int = 8,
        reset_on_crop: bool = False,
        penalty: float = 1e-3,
        bias_factor: float = 10.0,
    ) -> None:
        self.stage = stage
        self.optimizer = optimizer or ClickOptimizer()
        self.net_clicks_limit = net_clicks_limit
        self.reset_on_crop = reset_on_crop
        self.penalty = penalty
        self.bias_factor = bias_factor
        self._state = _FeatureState()

    @property
    def variables(self) -> NDArray[np.float64] | None:
        """Scales, then biases (2C,), of the last prediction; None before the first."""
        return self._state.variables

    def logits(
        self, network: ClickNetwork, image: Tensor, clicks: Sequence[Clicks], *, changed: bool
    ) -> Tensor:
        """Logits (B, 1, h, w) of the network's input (B, C, h, w) with one list of clicks per item.

        The logits have the size of the image.
        """
        variables, features = self._state.variables, self._state.features
        if changed and self.reset_on_crop:
            variables = None
        if features is None or changed or len(clicks[0]) <= self.net_clicks_limit:
            points = points_tensor(clicks, limit=self.net_clicks_limit).to(image.device)
            with torch.no_grad():
                features = network.encode(*network.prepare(image, points), self.stage)
        expendable = len(clicks[0]) < self.net_clicks_limit
        self._state = _FeatureState(variables, features, expendable)
        return self.refine(network, features, clicks, (image.shape[2], image.shape[3]))

    def refine(
        self, network: ClickNetwork, features: Features, clicks: Sequence[Clicks], size: tuple[int, int]
    ) -> Tensor:
        """Logits (B, 1, H, W) from features that are known, with `size` (H, W)."""
        channels = features.main.shape[1]
        variables = self._state.variables
        if variables is None or len(variables) != 2 * channels:
            variables = np.zeros(2 * channels)

        def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
            scale, bias = x[:channels], x[channels:]
            main = features.main * (1 + scale[:, None, None]) + bias[:, None, None]
            logits = network.decode(Features(main, features.others), self.stage).instances.float()
            penalty = self.penalty * (scale.square().sum() + self.bias_factor * bias.square().sum())
            return resize(logits, size), penalty

        device = features.main.device
        if len(clicks[0]) > OPTIMIZE_AFTER:
            variables, logits = self.optimizer.minimize(
                evaluate, variables, clicks=clicks, size=size, device=device
            )
        else:
            self.optimizer.losses = []
            with torch.no_grad():
                logits, _ = evaluate(torch.from_numpy(variables).float().to(device))
        self._state = replace(self._state, variables=variables)
        return logits

    def begin_with(self, variables: NDArray[np.float64]) -> None:
        """Let the next prediction start from these variables (2C,)."""
        self._state = replace(self._state, variables=variables.astype(np.float64))

    def reset(self) -> None:
        """Forget the variables and the features."""
        self._state = _FeatureState()

    def snapshot(self) -> object:
        """The state, to come back to, without large tensors that will not be needed."""
        return replace(self._state, features=None) if self._state.expendable else self._state

    def restore(self, state: object) -> None:
        """Come back to a state of `snapshot`."""
        assert isinstance(state, _FeatureState)
        self._state = state


class InputBrs:
    """RGB-BRS and DistMap-BRS: a bias on every pixel of the image, or of the click maps.

    Args:
        target: "rgb" changes the normalised image, "maps" the two click maps.
        optimizer: how the bias is found.
        net_clicks_limit: only the first so many clicks are shown to the network; all are in the loss.
        penalty: weight of the squared bias.
    """

    def __init__(
        self,
        target: Literal["rgb", "maps"],
        *,
        optimizer: ClickOptimizer | None = None,
        net_clicks_limit: int = 5,
        penalty: float = 1e-3,
    ) -> None:
        if target not in ("rgb", "maps"):
            raise ValueError(f"target must be rgb or maps, got {target!r}")
        self.target = target
        self.optimizer = optimizer or ClickOptimizer()
        self.net_clicks_limit = net_clicks_limit
        self.penalty = penalty
        self._bias: NDArray[np.float64] | None = None

    def logits(
        self, network: ClickNetwork, image: Tensor, clicks: Sequence[Clicks], *, changed: bool
    ) -> Tensor:
        """Logits (B, 1, h, w) of the network's input (B, C, h, w) with one list of clicks per item.

        The logits have the size of the image.
        """
        size = (image.shape[2], image.shape[3])
        points = points_tensor(clicks, limit=self.net_clicks_limit).to(image.device)
        rgb, coords = network.prepare(image, points)
        shape = (1, 3 if self.target == "rgb" else 2, *rgb.shape[2:])
        start = self._bias
        if start is None or changed or start.size != int(np.prod(shape)):
            start = np.zeros(int(np.prod(shape)))
        flipped = len(clicks) == 2

        def evaluate(x: Tensor) -> tuple[Tensor, Tensor]:
            bias = x.view(shape)
            bias = torch.cat([bias, bias.flip(3)]) if flipped else bias
            if self.target == "rgb":
                inputs = rgb + bias, coords
            else:
                inputs = rgb, torch.cat([coords[:, :-2], coords[:, -2:] + bias], dim=1)
            logits = network.decode(network.encode(*inputs, "B"), "B").instances.float()
            return resize(logits, size), self.penalty * bias.square().sum()

        if len(clicks[0]) > OPTIMIZE_AFTER:
            self._bias, logits = self.optimizer.minimize(
                evaluate, start, clicks=clicks, size=size, device=image.device
            )
        else:
            self._bias = start
            self.optimizer.losses = []
            with torch.no_grad():
                logits, _ = evaluate(torch.from_numpy(start).float().to(image.device))
        return logits

    def reset(self) -> None:
        """Forget the bias."""
        self._bias = None

    def snapshot(self) -> object:
        """The state, to come back to."""
        return self._bias

    def restore(self, state: object) -> None:
        """Come back to a state of `snapshot`."""
        assert state is None or isinstance(state, np.ndarray)
        self._bias = state


MODES = ("NoBRS", "f-BRS-A", "f-BRS-B", "f-BRS-C", "RGB-BRS", "DistMap-BRS")
_STAGES: dict[str, Stage] = {"f-BRS-A": "A", "f-BRS-B": "B", "f-BRS-C": "C"}


def refinement(mode: str, *, prob_thresh: float = 0.49, max_evals: int = 20) -> Refinement:
    """A refinement by its published name.

    Args:
        mode: one of `MODES`.
        prob_thresh: probability on whose right side a clicked pixel must be.
        max_evals: limit of evaluations per click.

    Raises:
        ValueError: another mode.
    """
    if mode == "NoBRS":
        return NoRefinement()
    optimizer = ClickOptimizer(prob_thresh=prob_thresh, max_evals=max_evals)
    if mode in _STAGES:
        return FeatureBrs(_STAGES[mode], optimizer=optimizer)
    if mode == "RGB-BRS":
        return InputBrs("rgb", optimizer=optimizer)
    if mode == "DistMap-BRS":
        return InputBrs("maps", optimizer=optimizer)
    raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}")
