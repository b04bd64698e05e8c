import pytest

import civos_siaf as cs


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("light_clicks", "LightClicks"),
        ("light-propagation", "LightPropagation"),
        ("light-identity", "LightIdentity"),
        ("light_interaction", "LightInteraction"),
        ("mivos_fusion", "MaskFusion"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is untrained")
def test_a_network_of_every_family_is_loaded_by_name(name, kind):
    network = cs.load_network(name, device="cpu", fast=False)
    assert type(network).__name__ == kind
    assert not network.training


def test_an_unknown_name_lists_the_others():
    with pytest.raises(ValueError, match=r"no architecture 'resnet'; there are .*hrnet18s-ocr"):
        cs.load_network("resnet")
