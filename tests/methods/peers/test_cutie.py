from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from civos_siaf import Click, Frames, MaskPrompt, Prompts, Scribble
from civos_siaf.methods.peers import Cutie
from civos_siaf.networks.cutie_video import CutieVideo
from civos_siaf.propagation.settings import SpeedSettings
from civos_siaf.weights import hub
from tests.methods.peers.conftest import VIDEO

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.cuda.amp.autocast:FutureWarning")

CONFIGS = Path(__file__).parents[3] / "configs"
FIRST, SECOND = 2, 6
NAMES = ("pixel_dim", "key_dim", "value_dim", "sensory_dim", "embed_dim")


class Discs:
    """An object is a disc of radius 12 around each positive click; the rest is as before."""

    accepts = (Click,)

    def predict(self, view, calls):
        y, x = np.mgrid[: VIDEO.shape[1], : VIDEO.shape[2]]
        labels = view.padding.crop(torch.from_numpy(view.labels.copy())).numpy()
        for click in (click for prompts in calls for click in prompts.clicks):
            labels[(x - click.x) ** 2 + (y - click.y) ** 2 <= 144] = click.object_id * click.positive
        return torch.stack([torch.from_numpy(labels == k) for k in range(view.num_objects + 1)]).float()


@pytest.fixture(scope="module")
def network():
    """Cutie with few channels and weights at random."""
    pytest.importorskip("cutie", reason='needs the extra: pip install "civos-siaf[cutie]"')
    from civos_siaf.weights.cutie_networks import build, configuration

    config = configuration("cutie-small", mem_every=2, max_mem_frames=3, top_k=10)
    for name in NAMES:
        config.model[name] = 32
    config.model.pixel_encoder.ms_dims = [256, 128, 64]
    config.model.object_transformer.update({"embed_dim": 32, "ff_dim": 32, "num_blocks": 1, "num_queries": 4})
    config.model.object_transformer.num_heads = 2
    config.model.object_summarizer.update({"embed_dim": 32, "num_summaries": 4})
    config.model.mask_decoder.up_dims = [32, 16, 16]
    torch.manual_seed(3)
    return CutieVideo(build("cutie-small", config=config).eval(), config)


@pytest.fixture
def opened(network):
    def open_(*, num_objects=2, video=VIDEO, max_undo=3, **settings):
        method = Cutie(Discs(), network, settings=SpeedSettings(**settings), max_undo=max_undo)
        return method.open(Frames.open(video), num_objects=num_objects)

    return open_


ONE = Prompts((Click(FIRST, 1, 20, 30), Click(FIRST, 2, 60, 10)))
TWO = Prompts((Click(SECOND, 2, 40, 30),))


def direct(network, labels, frames):
    """Labels of frames as Cutie finds them when it is given the labels of the first one."""
    from cutie.inference.inference_core import InferenceCore

    core = InferenceCore(network.network, network.config)
    out = []
    with torch.inference_mode():
        for n, frame in enumerate(frames):
            image = network.image(VIDEO[frame])
            given = (torch.from_numpy(labels).long(), [1, 2]) if n == 0 else ()
            prob = core.step(image, *given, end=n == len(frames) - 1)
            out.append(core.output_prob_to_mask(prob).numpy())
    return out


def test_labels_are_those_of_cutie_itself_in_both_directions(network, opened):
    session = opened()
    shown = session.interact(ONE)[FIRST]
    labels = session.propagate()
    forwards, backwards = range(FIRST, len(VIDEO)), range(FIRST, -1, -1)
    for frames in (forwards, backwards):
        for frame, expected in zip(frames, direct(network, shown, frames), strict=True):
            assert np.array_equal(labels[frame], expected), frame
    assert len(np.unique(labels)) == 3


def test_frames_of_earlier_rounds_keep_counting(opened):
    session = opened()
    shown = session.interact(ONE)[FIRST]
    first = session.propagate()
    corrected = session.interact(TWO)[SECOND]
    second = session.propagate()
    assert np.array_equal(second[FIRST], shown)
    assert np.array_equal(second[SECOND], corrected)
    assert not np.array_equal(second[SECOND + 1], first[SECOND + 1])
    session.undo()
    assert np.array_equal(session.propagate(), first)
    session.interact(TWO)
    assert np.array_equal(session.propagate(), second)


def test_an_object_that_is_added_later_also_comes_to_frames_annotated_before(network, opened):
    session = opened(num_objects=1)
    session.interact(ONE.of(1))
    before = session.propagate()
    session.add_objects()
    session.interact(TWO)
    labels = session.propagate()
    assert np.array_equal(labels[FIRST] == 1, before[FIRST] == 1), "what was annotated stays"
    memory = network.memory(session.propagator._features, [1, 2])
    memory.annotate(SECOND, network.image(VIDEO[SECOND]), torch.from_numpy(labels[SECOND]))
    sweep = memory.sweep(SECOND)
    for frame in range(SECOND - 1, FIRST - 1, -1):
        found = sweep.step(frame, network.image(VIDEO[frame])).argmax(dim=0).numpy()
    assert np.array_equal(labels[FIRST] == 2, (found == 2) & (before[FIRST] == 0))


def test_save_and_load_go_on_from_there(opened, tmp_path):
    session = opened()
    session.interact(ONE + Prompts((MaskPrompt(4, 1, np.eye(48, 80)),)))
    before = session.propagate()
    session.save(tmp_path / "round")
    other = opened()
    other.load(tmp_path / "round")
    assert np.array_equal(other.propagate(), before)
    for own in (session, other):
        own.interact(TWO)
    assert np.array_equal(session.propagate(), other.propagate())
    with pytest.raises(FileNotFoundError):
        opened().load(tmp_path)
    with pytest.raises(ValueError, match="not a session saved of this video"):
        opened(video=VIDEO[:5]).load(tmp_path / "round")


def test_frames_are_encoded_once_within_the_budget(opened):
    session = opened()
    for prompts in (ONE, TWO):
        session.interact(prompts)
        labels = session.propagate()
    assert session.propagator.features.encoded == len(VIDEO)
    small = opened(feature_bytes=0)
    for prompts in (ONE, TWO):
        small.interact(prompts)
        again = small.propagate()
    assert small.propagator.features.encoded > len(VIDEO)
    assert np.array_equal(labels, again)


def test_frames_arrive_with_a_confidence_and_a_stopped_round_changes_nothing(opened):
    session = opened()
    session.interact(ONE)
    arrived = {}
    labels = session.propagate(arrived=lambda t, own, sure=None: arrived.__setitem__(t, (own, sure)))
    assert sorted(arrived) == list(range(len(VIDEO)))
    assert all(np.array_equal(own, labels[t]) and 0 <= sure <= 1 for t, (own, sure) in arrived.items())
    session.interact(TWO)

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.propagate(stop)
    session.undo()
    assert np.array_equal(session.propagate(), labels)


def test_half_precision_and_other_kinds_of_prompts(opened):
    session = opened(precision="bf16")
    session.interact(ONE)
    assert session.propagate().shape == (9, 48, 80)
    with pytest.raises(ValueError, match="this method takes Click, MaskPrompt"):
        session.interact(Prompts((Scribble(0, 1, [(1, 1)]),)))


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    from civos_siaf.weights.cutie_networks import cutie_network

    monkeypatch.setattr(hub, "installed", lambda extra: False)
    with pytest.raises(FileNotFoundError, match=r'cutie is not installed.*"civos-siaf\[cutie\]"'):
        cutie_network("cutie-base", None)
    with pytest.raises(ValueError, match="no architecture 'cutie-huge'; there are cutie-base, cutie-small"):
        cutie_network("cutie-huge", None)


@pytest.mark.filterwarnings("ignore:.*untrained")
@pytest.mark.parametrize(
    "options", [[], ["interaction@method.interaction=strokes_light"]], ids=["clicks", "strokes"]
)
def test_the_method_plays_a_round(options):
    pytest.importorskip("cutie", reason="needs the extra [cutie]")
    always = [
        "method=cutie",
        "out=x",
        "method.network.weights=null",
        "method.network.architecture=cutie-small",
    ]
    with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3"):
        method = instantiate(compose("eval_davis", overrides=[*always, *options]).method)
    session = method.open(Frames.open(VIDEO[:3]), num_objects=1)
    prompt = Scribble(1, 1, [(20, 20), (40, 30)]) if options else Click(1, 1, 30, 30)
    assert session.interact(Prompts((prompt,)))[1].shape == (48, 80)
    assert session.propagate().shape == (3, 48, 80)
