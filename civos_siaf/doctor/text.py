"""An examination as plain text, with the next step for everything that is missing."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator

from civos_siaf.cli.commands import commands, written
from civos_siaf.doctor.examination import Examination
from civos_siaf.doctor.machine import GIB
from civos_siaf.doctor.search import Found
from civos_siaf.weights.download import note_of
from civos_siaf.weights.hub import hub_cache
from civos_siaf.weights.locate import TRAINED, TRAININGS, weight_folders
from civos_siaf.weights.terms import TERMS

WIDTH = 100
LABEL = 18
CLICKS = ("civos", "civos_light", "mivos_clicks", "clicks_aot", "sam2", "edgetam", "sam3", "cutie")
TRAINING_DATA = ("lvis", "youtubevos", "davis2017")
"""What the trainings read whose weights nobody has published."""


def report(found: Examination) -> str:
    """The whole text."""
    parts = {
        "Machine": _machine(found),
        "Weights": _weights(found),
        "Data sets": _data(found),
        "Methods": _methods(found),
        "Tables of the papers": _tables(found),
        "To do": _to_do(found),
        "When you want more": _more(found),
        "You can run now": _now(found),
    }
    texts = {title: list(lines) for title, lines in parts.items()}
    return "\n\n".join("\n".join([title, *lines]) for title, lines in texts.items() if lines) + "\n"


def _row(name: str, text: str) -> str:
    lines = textwrap.wrap(text, WIDTH - LABEL - 4, break_long_words=False, break_on_hyphens=False)
    return f"  {name:<{LABEL}}  " + ("\n" + " " * (LABEL + 4)).join(lines)


def _step(what: str, *lines: str) -> Iterator[str]:
    yield f"  {what}"
    yield from (f"      {line}" for line in lines)


def _machine(found: Examination) -> Iterator[str]:
    machine = found.machine
    yield _row("Python", f"{machine.python} on {machine.system}")
    yield _row("packages", ", ".join(f"{k} {v or '(not installed)'}" for k, v in machine.versions.items()))
    yield _row(
        "processor", f"{machine.processor}: {machine.cores} cores, {machine.threads} threads for torch"
    )
    none = "none that torch can use; the light models do without"
    yield _row("accelerator", "; ".join(machine.accelerators) or none)
    if machine.memory:
        free, total = machine.memory
        yield _row("memory", f"{free / GIB:.1f} of {total / GIB:.1f} GiB free")
    yield _row("disk", f"{machine.disk / GIB:.0f} GiB free here")


def _weights(found: Examination) -> Iterator[str]:
    shipped = found.manifest.shipped
    bad = [name for name in shipped if not found.weights[name].usable]
    yield _row("light models", f"{len(shipped) - len(bad)} of {len(shipped)} included files are valid")
    yield _row("their terms", TERMS)
    for name in bad:
        yield _row(name, _state(found.weights[name]))
    published = {name: found.weights[name] for name in found.manifest.published}
    there = {name: state for name, state in published.items() if state.path}
    yield _row("published", f"{len(there)} of {len(published)} files are here")
    for name, state in there.items():
        yield _row(name, _state(state))
    models = {name: found.weights[name] for name in found.manifest.hub}
    there = {name: state for name, state in models.items() if state.path}
    yield _row("of the hub", f"{len(there)} of {len(models)} models are here")
    for name, state in there.items():
        yield _row(name, _state(state))
    for experiment, state in found.trained.items():
        if state.path:
            yield _row(experiment, f"trained here: {state.path}" if state.usable else _state(state))
    yield _row("looked into", ", ".join(map(str, found.weight_places)))


def _data(found: Examination) -> Iterator[str]:
    yield _row("synthetic videos", "need nothing: they are drawn on first use")
    for name, state in found.data.items():
        if state.path:
            yield _row(name, _state(state))
    if absent := [name for name, state in found.data.items() if not state.path]:
        yield _row("not here", ", ".join(absent))
    yield _row("looked into", ", ".join(map(str, found.data_places)))


def _state(state: Found) -> str:
    if state.path is None:
        return "not here"
    if state.problem is not None:
        return f"not usable: {state.problem}"
    return f"valid: {state.path}" + (f", split {state.split}" if state.split else "")


def _methods(found: Examination) -> Iterator[str]:
    for name, needs in found.manifest.methods.items():
        if needs.untrained:
            yield _row(name, needs.untrained)
        elif missing := found.missing_for(name):
            yield _row(name, f"needs {', '.join(_plain(found, part) for part in missing)}")
        else:
            yield _row(name, "ready")


def _plain(found: Examination, weights: str) -> str:
    return f"weights trained with experiment={weights}" if weights in found.trained else weights


def _tables(found: Examination) -> Iterator[str]:
    if "reproduce" not in commands():
        return
    yield _row("with light models", "all of them, on synthetic videos; the figures are not the papers'")
    for name in found.manifest.tables:
        methods, data = found.missing_for_table(name)
        lacking = [*(f"method {method}" for method in methods), *data]
        yield _row(name, f"as published needs {', '.join(lacking)}" if lacking else "can be run as published")


def _to_do(found: Examination) -> Iterator[str]:
    for name, record in (found.manifest.shipped | found.manifest.published).items():
        state = found.weights[name]
        if name in found.manifest.shipped and not state.usable:
            yield from _step(f"{record.file_name} should be here: fetch or install the package again")
        elif state.path and state.problem:
            again = f"{written('download_weights')} {name} --folder {shlex.quote(str(state.path.parent))}"
            # The hash that was noted of a bad file would speak against a good one.
            there = [path for path in (state.path, note_of(state.path)) if path.exists()]
            remove = f"rm {' '.join(shlex.quote(str(path)) for path in there)}"
            yield from _step(f"{name} is not usable: fetch it again", remove, again)
    for name, state in found.data.items():
        if state.path and state.problem:
            layout = found.manifest.data[name].check
            line = f"{written('check_data')} {layout} {shlex.quote(str(state.path))}"
            yield from _step(f"{name} is not usable: see all its problems", line)


def _more(found: Examination) -> Iterator[str]:
    for method, needs in found.manifest.methods.items():
        if needs.untrained or found.ready(method) or not (needs.published or needs.hub):
            continue
        yield f"  method={method} as published"
        if not found.has_packages(method):
            yield from _step("    install", f'python -m pip install "civos-siaf[{needs.extra}]"')
        files = (*needs.published.values(), *needs.hub.values())
        records = found.manifest.published | found.manifest.hub
        absent = [name for name in files if not found.weights[name].usable]
        for name in absent:
            if name in found.manifest.hub and found.manifest.hub[name].gated:
                page = found.manifest.hub[name].page
                yield from _step(f"    ask for access to {name}", page, "hf auth login")
        if absent:
            size = sum(records[name].bytes or 0 for name in absent) / 1e6
            yield from _step(f"    fetch {size:.0f} MB", f"{written('download_weights')} {' '.join(absent)}")
        for experiment in needs.trained.values():
            if not found.trained[experiment].usable:
                line = f"{written('train')} experiment={experiment} {_roots(found)}"
                yield from _step("    train what nobody has published, on GPUs", line)
        yield from _step("    then", _evaluation(found, method))
    if absent := [name for name, state in found.data.items() if not state.path]:
        yield "  data sets"
        for name in absent:
            needs_data = found.manifest.data[name]
            yield f"      {name:<12}{needs_data.page:<38}{needs_data.used}"
        yield from _step("    then look again", f"{written('doctor')} --data FOLDER")


def _now(found: Examination) -> Iterator[str]:
    if found.ready("civos_light"):
        line = f"{written('eval_davis')} click_strategy=f3"
        yield from _step("evaluate light CiVOS on synthetic videos", line)
        line = f"{written('segment')} video=in.mp4 'click=[0,320,180]' out=out/"
        yield from _step("segment your own video: frame, x, y of a click on the object", line)
        if "annotate" in commands():
            line = f"{written('annotate')} video=in.mp4"
            yield from _step("annotate your own video in the browser", line)
        if "reproduce" in commands():
            line = f"{written('reproduce')} table=civos_2 models=light"
            yield from _step("run a table of a paper with the light models", line)
        if data := _davis(found):
            line = f"{written('eval_davis')} click_strategy=f3 {data}"
            yield from _step("evaluate light CiVOS on DAVIS", line)
    for method, needs in found.manifest.methods.items():
        if found.ready(method) and (needs.published or needs.hub or needs.trained):
            yield from _step(f"evaluate {method}", _evaluation(found, method))


def _davis(found: Examination) -> str:
    """Options for the best DAVIS there is; empty without one."""
    for name in ("davis2017", "davis2016"):
        state = found.data[name]
        if state.usable:
            split = "" if state.split == "val" else f" dataset.split={state.split}"
            return f"dataset={name} {shlex.quote(f'dataset.root={state.path}')}{split}"
    return ""


def _roots(found: Examination) -> str:
    """Options for the data of a training: the folder above all of it, or those of the sets that are here."""
    paths = {name: found.data[name].path for name in TRAINING_DATA if found.data[name].usable}
    parents = {path.parent for name, path in paths.items() if path and path.name == name}
    if len(paths) == len(TRAINING_DATA) and len(parents) == 1:
        return shlex.quote(f"data_root={parents.pop()}")
    if not paths:
        return "data_root=FOLDER"
    return " ".join(shlex.quote(f"data_root.{name}={paths.get(name, 'FOLDER')}") for name in TRAINING_DATA)


def _known(state: Found) -> bool:
    """It is where methods look."""
    path = state.path
    if path is None:
        return False
    if path.is_dir():  # a model of the hub
        return path.parent in weight_folders() or hub_cache() in path.parents
    return path.is_relative_to(TRAININGS) if path.name == TRAINED else path.parent in weight_folders()


def _evaluation(found: Examination, method: str) -> str:
    """The command, with the files that the method would not find by itself."""
    needs = found.manifest.methods[method]
    states = {option: found.weights[name] for option, name in (needs.published | needs.hub).items()}
    states |= {option: found.trained[experiment] for option, experiment in needs.trained.items()}
    files = {option: state.path for option, state in states.items() if state.usable and not _known(state)}
    prompts = "f3" if method in CLICKS else "none"
    options = [f"method={method}", f"click_strategy={prompts}", _davis(found)]
    options += [shlex.quote(f"{option}={path}") for option, path in files.items()]
    return " ".join((written("eval_davis"), *filter(None, options)))
