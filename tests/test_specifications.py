"""Every citation of a specification leads to a section that there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "specification"
CITED = re.compile(r"docs/specification/([\w-]+)\.md(?: sections? ((?:\d+(?:\.\d+)*(?:, | to | and )?)+))?")
NUMBER = re.compile(r"\d+(?:\.\d+)*")


def sections(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (\d+(?:\.\d+)*)\b", page.read_text(encoding="utf-8"), re.MULTILINE)
    return set(headings)


def citations():
    for folder in ("civos_siaf", "scripts", "configs", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".yaml"} and path != Path(__file__):
                for page, numbers in CITED.findall(path.read_text(encoding="utf-8")):
                    yield path.relative_to(ROOT).as_posix(), page, NUMBER.findall(numbers)


def missing(page: str, numbers: list[str]) -> list[str]:
    path = FOLDER / f"{page}.md"
    if not path.is_file():
        return [page]
    known = sections(path)
    # A numbered item of a section, such as 8.3.4, is found below the section.
    return [n for n in numbers if n not in known and n.rpartition(".")[0] not in known]


def test_every_cited_section_is_there():
    found = list(citations())
    assert len(found) > 100
    assert [(path, page, gone) for path, page, numbers in found if (gone := missing(page, numbers))] == []


def test_a_section_that_is_not_there_is_noticed():
    assert missing("mivos", ["6.2", "5", "99"]) == ["99"]
    assert missing("cutie", ["1"]) == ["cutie"]
    assert "6.2" in sections(FOLDER / "mivos.md")


def test_nothing_else_is_cited():
    """No specification is named that a reader does not have."""
    wrong = re.compile(r"\bspec(?:ification)? (?:section )?[\w.]*\d")
    for folder in ("civos_siaf", "scripts", "configs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".yaml"}:
                assert not wrong.search(path.read_text(encoding="utf-8")), path
