import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from civos_siaf.interaction.clicked_labels import surest
from civos_siaf.networks.aggregate import aggregate


@settings(max_examples=50)
@given(st.integers(1, 4).flatmap(lambda k: arrays(np.uint8, (k, 5, 7))))
def test_labels_are_those_of_the_aggregated_probabilities(eighths):
    prob = (eighths % 8 / 8).astype(np.float32)
    hard = aggregate(torch.from_numpy(prob), background="min", hard=True)
    assert np.array_equal(surest(prob), hard.argmax(dim=0).numpy())
