import numpy as np
from starlette.testclient import TestClient

from civos_siaf.app.server import label_codec
from tests.app.server.conftest import HEIGHT, WIDTH


def act(client: TestClient, project: str, kind: str, **fields: object) -> dict[str, object]:
    answer = client.post(f"{project}/actions", json={"type": kind, **fields})
    assert answer.status_code == 200, answer.text
    state: dict[str, object] = answer.json()["state"]
    return state


def shown(client: TestClient, project: str, frame: int, version: str) -> np.ndarray:
    answer = client.get(f"{project}/labels/{frame}", params={"version": version})
    assert answer.status_code == 200, answer.text
    return label_codec.decode_runs(answer.content, HEIGHT, WIDTH)
