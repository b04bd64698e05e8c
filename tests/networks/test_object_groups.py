import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.networks.object_groups import (
    best_labels,
    group_counts,
    group_labels,
    merge_logits,
    probabilities,
    split_labels,
)


@given(st.integers(0, 45))
@settings(max_examples=40, deadline=None)
def test_groups_share_out_all_objects(objects):
    counts = group_counts(objects)
    labels = torch.arange(objects + 1, dtype=torch.uint8)[None]
    parts = split_labels(labels, len(counts))
    assert sum(counts) == objects
    assert [int(part.max()) for part in parts] == counts
    again = torch.stack([torch.where(part > 0, part + 10 * e, 0) for e, part in enumerate(parts)]).sum(dim=0)
    assert torch.equal(again.to(torch.uint8), labels)


def test_merged_logits_are_those_of_the_product_of_backgrounds():
    logits = torch.randn(3, 11, 4, 5)
    merged = merge_logits(logits)
    prob = logits.softmax(dim=1)
    assert torch.allclose(merged[0].sigmoid(), prob[0, 0] * prob[1, 0] * prob[2, 0], atol=2e-5)
    assert torch.allclose(merged[11:21].sigmoid(), prob[1, 1:], atol=2e-5)
    assert torch.equal(merge_logits(logits[:1]), logits[0])
    assert torch.equal(best_labels(merged), merged.argmax(dim=0).to(torch.uint8))


@pytest.mark.parametrize("num_objects", [0, 1, 10, 11, 23])
def test_probabilities_of_groups_have_the_labels_of_groups(num_objects):
    torch.manual_seed(0)
    groups = max(1, -(-num_objects // 10))
    values = 3 * torch.randn(groups, 11, 9, 12)
    prob = probabilities(values, num_objects)
    assert prob.shape == (num_objects + 1, 9, 12)
    assert torch.allclose(prob.sum(dim=0), torch.ones(9, 12))
    used = [values[g, : 1 + min(10, num_objects - 10 * g)] for g in range(groups)]
    assert torch.equal(prob.argmax(dim=0), group_labels(used).long())
