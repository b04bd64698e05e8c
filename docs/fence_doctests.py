"""Shows the doctests of the API reference as code."""

import re
from typing import Any

from griffe import Extension, Object

DOCTEST = re.compile(r"^(>>> .*(?:\n.+)*)", re.MULTILINE)


class FenceDoctests(Extension):
    """Puts fences around doctests, which a docstring of ours has without a heading."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of each object that is read."""
        if obj.docstring:
            obj.docstring.value = DOCTEST.sub(r"```pycon\n\1\n```", obj.docstring.value)
