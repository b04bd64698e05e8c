import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from civos_siaf.networks.identity_network import KeyValue, concatenated
from civos_siaf.networks.object_groups import split_labels
from civos_siaf.networks.propagation_network import FrameFeatures
from civos_siaf.propagation.aot_engine import AotEngine
from civos_siaf.propagation.aot_memory import LongTermMemory, ReferenceMemories, batched
from civos_siaf.propagation.aot_tracker import AotTracker
from civos_siaf.propagation.feature_cache import FeatureCache
from civos_siaf.propagation.images import AotImages, network_size, resize_labels
from civos_siaf.video.frames import Frames
from tests.networks.aot.fresh import fresh_aot

SIZE = (33, 49)


@pytest.fixture(scope="module")
def net():
    torch.set_num_threads(1)
    return fresh_aot("aots", strength=100)


@pytest.fixture(scope="module")
def frames(net):
    g = torch.Generator().manual_seed(1)
    with torch.inference_mode():
        return [net.encode_frame(torch.randn(1, 3, *SIZE, generator=g)) for _ in range(6)]


def stripes(*ids):
    labels = torch.zeros(SIZE, dtype=torch.uint8)
    for index, label in enumerate(ids):
        labels[:, 3 * index + 1 : 3 * index + 4] = label
    return labels


def stacked(a, b):
    return FrameFeatures(
        torch.cat([a.key, b.key]), tuple(torch.cat(pair) for pair in zip(a.parts, b.parts, strict=True))
    )


def memory_of(net, frame, labels):
    with torch.inference_mode():
        return net.reference(frame, net.identify(labels[None]))[1]


def test_memory_grows_by_the_gap(net, frames):
    engine = AotEngine(net, mem_every=2)
    engine.add_reference(memory_of(net, frames[0], stripes(1, 2)))
    counts = [engine.long.num_frames]
    for frame in frames[1:]:
        engine.propagate(frame)
        engine.update(stripes(1, 2)[None])
        counts.append(engine.long.num_frames)
    assert counts == [1, 1, 2, 2, 3, 3]
    assert engine.long.num_tokens == 3 * 3 * 4


def test_a_sweep_is_what_its_parts_say(net, frames):
    references = ReferenceMemories(net)
    with torch.inference_mode():
        references.annotate(0, frames[0], stripes(1, 2)[None])
        references.annotate(5, frames[5], stripes(2, 1)[None])
        engine = AotEngine(net, mem_every=1)
        engine.begin(references.all(), references[5])
        engine.propagate(frames[4])
        engine.update(stripes(1)[None])
        second = engine.propagate(frames[3])
        # By hand: references and the frame between are remembered, the latter is the one before.
        matched = net.match(frames[4], concatenated(references.all()), references[5])
        between = net.remember(matched.seen, net.identify(stripes(1)[None]))
        long = concatenated([*references.all(), between])
        expected = net.decode(net.match(frames[3], long, between).maps, frames[3])
    assert torch.allclose(second, expected, atol=1e-5)
    # A new sweep knows nothing of the last one.
    engine.begin([references[0]], references[0])
    assert engine.long.num_frames == 1


def test_sweeps_at_once_are_those_one_by_one(net, frames):
    sources = [memory_of(net, frames[i], stripes(1, 2)) for i in (0, 5)]
    alone = []
    for source, steps in zip(sources, ((1, 2), (4, 3)), strict=True):
        engine = AotEngine(net, mem_every=1)
        engine.begin(sources, source)
        engine.propagate(frames[steps[0]])
        engine.update(stripes(2)[None])
        alone.append(engine.propagate(frames[steps[1]]))
    both = AotEngine(net, mem_every=1)
    both.begin(sources, batched(sources))
    both.propagate(stacked(frames[1], frames[4]))
    both.update(torch.stack([stripes(2), stripes(2)]))
    assert torch.allclose(both.propagate(stacked(frames[2], frames[3])), torch.cat(alone), atol=1e-5)
    # The buffers, now of two, serve a single sweep too.
    both.begin(sources, sources[0])
    assert len(both.propagate(frames[1])) == 1


def test_references_are_replaced_and_forgotten(net, frames):
    references = ReferenceMemories(net)
    references.annotate(3, frames[3], stripes(1)[None])
    first = references[3]
    references.annotate(1, frames[1], stripes(1)[None])
    references.annotate(3, frames[3], stripes(2)[None])
    assert list(references) == [1, 3]
    assert torch.equal(references[3][0].key, first[0].key)
    assert not torch.equal(references[3][0].value, first[0].value)
    assert references.num_bytes == 2 * 2 * 2 * 12 * 256 * 4
    references.forget(3)
    assert 3 not in references
    assert len(references) == 1
    with pytest.raises(ValueError, match=r"frame 3 is not .*\[1\]"):
        references.forget(3)


def entry(number, positions=2):
    value = torch.full((1, 1, positions, 1), float(number))
    return (KeyValue(value, value + 0.5),)


@settings(max_examples=60)
@given(st.lists(st.booleans(), min_size=1, max_size=20), st.one_of(st.none(), st.integers(1, 6)))
def test_long_term_memory_keeps_references_and_the_newest_others(kinds, limit):
    memory = LongTermMemory(max_memory_frames=limit)
    kept = []
    for number, reference in enumerate(kinds):
        memory.add(entry(number), reference=reference)
        passing = [k for k in kept if not k[1]]
        if limit is not None and len(kept) >= limit:
            if passing:
                kept.remove(passing[0])
            elif not reference:
                continue
        kept.append((number, reference))
        ((keys, values),) = memory.read()
        assert sorted(keys[0, 0, ::2, 0].tolist()) == [float(n) for n, _ in kept]
        assert torch.equal(values, keys + 0.5)
        assert memory.num_tokens == 2 * len(kept)
    memory.clear()
    assert memory.num_frames == 0


def test_memories_of_other_sizes_are_refused():
    memory = LongTermMemory()
    memory.add(entry(0), reference=True)
    with pytest.raises(ValueError, match="3 positions among frames of 2"):
        memory.add(entry(0, 3), reference=True)
    with pytest.raises(ValueError, match="max_memory_frames must be 1 or more, got 0"):
        LongTermMemory(max_memory_frames=0)


def test_turns_are_kept(net, frames):
    engine = AotEngine(net, mem_every=2)
    with pytest.raises(ValueError, match="no reference frame"):
        engine.propagate(frames[0])
    with pytest.raises(ValueError, match="at least one reference"):
        engine.begin([], memory_of(net, frames[0], stripes(1)))
    engine.add_reference(memory_of(net, frames[0], stripes(1)))
    engine.propagate(frames[1])
    with pytest.raises(ValueError, match=r"labels \(17, 17\) make 4 positions, the frame has 12"):
        engine.update(torch.zeros(1, 17, 17, dtype=torch.uint8))
    engine.update(stripes(1)[None])
    with pytest.raises(ValueError, match="update follows propagate"):
        engine.update(stripes(1)[None])


def test_thirteen_objects_are_two_groups_each_as_if_alone(net, frames):
    labels = stripes(*range(1, 14))
    tracker = AotTracker(net, mem_every=1)
    tracker.add_reference(frames[0], labels, num_objects=13)
    assert len(tracker.engines) == 1
    logits = tracker.propagate(frames[1])
    for group, own in enumerate(split_labels(labels, 2)):
        alone = AotEngine(net, mem_every=1)
        alone.add_reference(memory_of(net, frames[0], own))
        assert torch.allclose(alone.propagate(frames[1])[0], logits[group], atol=1e-5)
    merged = tracker.merged(logits, (20, 30))
    assert merged.shape == (21, 20, 30)
    assert torch.equal(tracker.labels(logits, (20, 30)), merged.argmax(dim=0).to(torch.uint8))
    assert merged[14:].max() < -11.5


def test_objects_that_come_later_begin_with_their_frame(net, frames):
    tracker = AotTracker(net, mem_every=1)
    with pytest.raises(ValueError, match="no reference frame"):
        tracker.propagate(frames[0])
    tracker.add_reference(frames[0], stripes(1, 2), num_objects=2)
    tracker.propagate(frames[1])
    tracker.update(stripes(1, 2))
    tracker.propagate(frames[2])
    tracker.add_reference(frames[2], stripes(*range(1, 13)), num_objects=12)
    with pytest.raises(ValueError, match="update follows propagate"):
        tracker.update(stripes(1, 2))
    assert [engine.long.num_frames for engine in tracker.engines] == [3, 1]
    logits = tracker.propagate(frames[3])
    assert logits.shape == (2, 11, 9, 13)
    tracker.update(stripes(*range(1, 13)))
    with pytest.raises(ValueError, match="there were 12, now 3"):
        tracker.add_reference(frames[2], stripes(1), num_objects=3)
    with pytest.raises(ValueError, match="label 14 with 13 objects"):
        tracker.add_reference(frames[2], stripes(14), num_objects=13)


def test_a_video_of_any_size_goes_through(net):
    rng = np.random.default_rng(0)
    video = Frames.open(rng.integers(0, 255, (4, 37, 60, 3), dtype=np.uint8))
    images = AotImages(video, network_size(37, 60, align_corners=True), torch.device("cpu"))
    assert len(images) == 4
    assert images[0].shape == (1, 3, 33, 65)
    assert images[1] is images[1]
    with torch.inference_mode():
        features = FeatureCache(lambda frame: net.encode_frame(images[frame]), max_bytes=10**8)
        given = torch.zeros(37, 60, dtype=torch.uint8)
        given[10:30, 20:40] = 2
        tracker = AotTracker(net, mem_every=2)
        tracker.add_reference(features[0], resize_labels(given, images.size), num_objects=2)
        for frame in range(1, 4):
            labels = tracker.labels(tracker.propagate(features[frame]), (37, 60))
            tracker.update(resize_labels(labels, images.size))
            assert labels.shape == (37, 60)
            assert int(labels.max()) <= 2
    assert features.encoded == 4


def test_images_are_bicubic_and_not_clipped():
    edge = np.zeros((1, 40, 48, 3), np.uint8)
    edge[:, :, 24:] = 255
    image = AotImages(Frames.open(edge), (33, 49), torch.device("cpu"))[0][0]
    red = image[0] * 0.229 + 0.485
    assert red.max() > 1.01
    assert red.min() < -0.01
    same = AotImages(Frames.open(edge[:, :33]), (33, 48), torch.device("cpu"))[0][0, 0] * 0.229 + 0.485
    assert same.min().item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("size", "aligned", "patches", "enlarged"),
    [
        ((480, 854), (481, 849), (480, 848), (625, 1105)),
        ((480, 910), (481, 913), (480, 912), (625, 1185)),
        ((720, 1280), (577, 1041), (592, 1040), (753, 1345)),
        ((1080, 1920), (577, 1041), (592, 1040), (753, 1345)),
        ((360, 640), (353, 641), (352, 640), (465, 833)),
    ],
)
def test_sizes_are_rounded_as_in_the_original(size, aligned, patches, enlarged):
    assert network_size(*size, align_corners=True) == aligned
    assert network_size(*size, align_corners=False) == patches
    assert network_size(*size, align_corners=True, max_short=624, scale=1.3) == enlarged


def test_the_original_rounding_of_720_lines():
    assert network_size(720, 1280, align_corners=False, max_short=624) == (576, 1040)


def test_labels_are_resized_without_mixing():
    labels = torch.tensor([[1, 2], [3, 255]], dtype=torch.uint8)
    assert resize_labels(labels, (4, 4)).tolist() == [[1, 1, 2, 2]] * 2 + [[3, 3, 255, 255]] * 2
    assert resize_labels(labels[None], (2, 2)).shape == (1, 2, 2)
