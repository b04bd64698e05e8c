from tests.scripts.conftest import script  # noqa: F401
