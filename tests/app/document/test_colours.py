"""The first colours differ for everybody, people with deuteranopia and protanopia among them."""

import itertools

import numpy as np
import pytest
from skimage.color import rgb2lab

from civos_siaf.app.document.content import next_colour

SIMULATIONS = {
    "all colours": np.eye(3),
    # Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def colours(number):
    taken = []
    for place in range(number):
        taken.append(next_colour(place + 1, taken))
    return np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in taken]) / 255


def seen(rgb, matrix):
    """As Lab, what somebody sees of sRGB colours (N, 3) in 0..1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = (linear @ matrix.T).clip(0, 1)
    return rgb2lab(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))


@pytest.mark.parametrize("who", SIMULATIONS)
@pytest.mark.parametrize(("number", "least"), [(8, 37), (12, 22), (20, 17)])
def test_distance(who, number, least):
    lab = seen(colours(number), SIMULATIONS[who])
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(lab, 2)) > least
