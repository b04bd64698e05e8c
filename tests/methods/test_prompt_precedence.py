import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from civos_siaf import Click, MaskPrompt, Prompts, Scribble
from civos_siaf.methods.prompt_precedence import effective_prompts, split_effective, split_into_stages
from civos_siaf.methods.siaf_interaction import InteractionRules
from tests.methods.siaf_toys import SIZE, FakeClicks, opened, stroke

PIXEL = np.ones((1, 1), bool)


@st.composite
def calls(draw, frames=1):
    """Prompts of a few calls."""
    kinds = st.tuples(
        st.integers(0, frames - 1), st.integers(0, 3), st.sampled_from(("click", "stroke", "mask"))
    )
    return [
        Prompts(tuple(made(*item) for item in draw(st.lists(kinds, max_size=5))))
        for _ in range(draw(st.integers(1, 3)))
    ]


def made(frame, number, kind):
    if number == 0 or kind == "stroke":
        return Scribble(frame, number, [(0, 0)])
    return Click(frame, number, 0, 0) if kind == "click" else MaskPrompt(frame, number, PIXEL)


@given(calls())
def test_of_each_object_the_last_mask_counts_or_what_came_after_it(given_calls):
    order = [item for prompts in given_calls for item in prompts]
    counted = split_effective(given_calls)
    assert len(counted.marks) == len(given_calls)
    for number in (1, 2, 3):
        own = [item for item in order if item.object_id in (0, number)]
        masks = [i for i, item in enumerate(own) if isinstance(item, MaskPrompt)]
        after = own[masks[-1] + 1 :] if masks else own
        held = [mask.prompt for mask in counted.held if mask.prompt.object_id == number]
        assert held == ([own[masks[-1]]] if masks and not after else [])
        marks = [item for prompts in counted.marks for item in prompts.of(number)]
        assert marks == [item for item in after if item.object_id == number]
    assert sum(len(prompts.of(0)) for prompts in counted.marks) == len([x for x in order if x.object_id == 0])


@given(calls())
def test_what_does_not_count_may_be_forgotten(given_calls):
    again = split_effective(effective_prompts(given_calls))
    assert again == split_effective(given_calls)


@given(calls(frames=3))
def test_stages_keep_all_prompts_in_order_and_masks_last(given_calls):
    (prompts, *_) = given_calls
    parts = split_into_stages(prompts)
    for frame in range(3):
        joined = [item for part in parts for item in part.on(frame)]
        assert all(a is b for a, b in zip(joined, prompts.on(frame), strict=True))
        for part in parts:
            kinds = [isinstance(item, MaskPrompt) for item in part.on(frame)]
            assert kinds == sorted(kinds)
    # A frame's last prompts are with the last ones of the others.
    assert not parts[-1].frames or parts[-1].frames == prompts.frames
    assert all(len(part) for part in parts) or len(parts) == 1


def mask_prompt(frame, number):
    mask = np.zeros(SIZE, bool)
    mask[5:25, 5:30] = True
    return MaskPrompt(frame, number, mask)


def test_in_siaf_what_comes_after_a_mask_corrects_it(aot):
    erased = Click(3, 1, 20, 15, positive=False)
    for prompts in (
        (Prompts((mask_prompt(3, 1), erased)),),
        (Prompts((mask_prompt(3, 1),)), Prompts((erased,))),
    ):
        session = opened(aot, clicks=FakeClicks())
        for part in prompts:
            shown = session.interact(part)[3]
        assert shown[15, 20] == 0
        assert shown[6, 6] == 1
        if len(prompts) == 1:
            session.undo()
            assert not session.propagate().any()
    session = opened(aot, clicks=FakeClicks())
    assert session.interact(Prompts((erased, mask_prompt(3, 1))))[3][15, 20] == 1


def test_in_siaf_frames_stay_together_where_one_has_a_mask_first(aot):
    session = opened(aot)
    session.interact(Prompts((stroke(6, 2, 50, 20), mask_prompt(3, 1), stroke(3, 1, 60, 30))))
    ((_, marks, previous),) = session.answers.strokes.network.seen
    assert marks.shape[1] == 2
    assert previous[0, 0, 1, 15, 20] == 1


def test_in_siaf_strokes_before_a_mask_of_their_object_are_not_seen_again(aot, tmp_path):
    session = opened(aot, rules=InteractionRules(remember=True))
    session.interact(Prompts((stroke(3, 1, 60, 30), stroke(3, 2, 60, 10))))
    session.interact(Prompts((mask_prompt(3, 1),)))
    session.propagate()
    session.save(tmp_path)
    again = opened(aot, rules=InteractionRules(remember=True))
    again.load(tmp_path)
    for own in (session, again):
        own.interact(Prompts((stroke(3, 1, 30, 30),)))
        _, marks, _ = own.answers.strokes.network.seen[-1]
        assert marks[0, 0, 1, 30, 30] == 1
        assert marks[0, 0, 1, 30, 60] == 0
        assert marks[0, 0, 2, 10, 60] == 1
