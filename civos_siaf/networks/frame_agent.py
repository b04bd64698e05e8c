"""IVOS-W's agent: what it is worth to annotate each frame of a video next.

Source: docs/specification/ivos_w.md section 2.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 128


class FrameAgent(nn.Module):
    """From quality and number of annotations of each frame to the value of annotating it.

    One LSTM cell without biases is run forwards and backwards over the frames, with the same weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder_fc1 = nn.Linear(2, CHANNELS)
        self.encoder_fc2 = nn.Linear(CHANNELS, CHANNELS)
        self.lstm_cell = nn.LSTMCell(CHANNELS, CHANNELS, bias=False)
        self.decoder_fc1 = nn.Linear(2 * CHANNELS, CHANNELS)
        self.decoder_fc2 = nn.Linear(CHANNELS, 1)

    def forward(self, state: Tensor) -> Tensor:
        """States (B, T, 2), quality 0 to 1 and how often annotated, to values (B, T)."""
        x = self.encoder_fc2(F.relu(self.encoder_fc1(state)))
        both = torch.cat([self._run(x), self._run(x.flip(1)).flip(1)], dim=2)
        values: Tensor = self.decoder_fc2(F.relu(self.decoder_fc1(F.relu(both))))
        return values[..., 0]

    def _run(self, x: Tensor) -> Tensor:
        """(B, T, C): the cell's output after each frame, from a start of zeros."""
        hidden = cell = x.new_zeros(len(x), CHANNELS)
        found = []
        for frame in x.unbind(dim=1):
            hidden, cell = self.lstm_cell(frame, (hidden, cell))
            found.append(hidden)
        return torch.stack(found, dim=1)
