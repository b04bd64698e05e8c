"""Addresses of the projects: list, upload, state, actions, events."""

from __future__ import annotations

import asyncio
import tempfile
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, WebSocket
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from civos_siaf.app.document.actions import from_json
from civos_siaf.app.server import requests, responses, sockets, uploads
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.project_service import ProjectService
from civos_siaf.app.server.requests import RequestError

MAX_KEY = 200

router = APIRouter(prefix="/api/projects")


def the_library(connection: HTTPConnection) -> ProjectRegistry:
    """All projects of the server."""
    library: ProjectRegistry = connection.app.state.library
    return library


async def the_desk(
    project_id: str, library: Annotated[ProjectRegistry, Depends(the_library)]
) -> ProjectService:
    """The project that an address names, opened if it is not."""
    return await library.desk(project_id)


AnyProjectRegistry = Annotated[ProjectRegistry, Depends(the_library)]
OpenProjectService = Annotated[ProjectService, Depends(the_desk)]


@router.get("")
async def projects(library: AnyProjectRegistry) -> Response:
    """All projects, the one used last first."""
    return JSONResponse(await library.listing())


@router.post("")
async def upload(
    request: Request, library: AnyProjectRegistry, name: Annotated[str, Query()] = "video"
) -> Response:
    """A new project of the video in the body."""
    shown = uploads.shown_name(name)
    body = requests.chunks(request, library.max_upload)
    async with uploads.kept_while(body, library.uploads, name=shown) as video:
        await asyncio.to_thread(uploads.check_video, video, shown)
        return JSONResponse({"id": await library.create(video, shown)}, status_code=201)


@router.post("/sample")
async def sample(library: AnyProjectRegistry) -> Response:
    """A new project of a clip to try the tool with, which is drawn for it."""
    from civos_siaf.data.shapes.sample import sample_video  # loads torch

    with tempfile.TemporaryDirectory(dir=await asyncio.to_thread(library.upload_folder)) as folder:
        video = await asyncio.to_thread(sample_video, folder)
        return JSONResponse({"id": await library.create(video, video.name)}, status_code=201)


@router.get("/{project_id}")
async def state(desk: OpenProjectService) -> Response:
    """The state, and what is under way."""
    return responses.json_text(await desk.described())


@router.post("/{project_id}/actions")
async def act(request: Request, desk: OpenProjectService) -> Response:
    """Take an action; answers when it is done."""
    data = dict(await requests.json_object(request))
    key = data.pop("key", None)
    if key is not None and not (isinstance(key, str) and 0 < len(key) <= MAX_KEY):
        raise RequestError(400, f'"key" must be a text of 1 to {MAX_KEY} characters.')
    text = await desk.act(from_json(data), key)
    return responses.json_text(f'{{"state":{text}}}')


@router.post("/{project_id}/cancel")
async def cancel(desk: OpenProjectService) -> Response:
    """End what is under way."""
    desk.cancel()
    return JSONResponse({})


@router.get("/{project_id}/frames/{frame}")
async def frame(desk: OpenProjectService, library: AnyProjectRegistry, frame: int) -> Response:
    """A frame as JPEG."""
    data = await desk.pictures.get(frame)
    library.looked()
    return responses.unchanging(data, "image/jpeg")


@router.get("/{project_id}/thumbnails/{frame}")
async def thumbnail(desk: OpenProjectService, frame: int) -> Response:
    """A frame as a small JPEG."""
    return responses.unchanging(await desk.thumbnails.get(frame), "image/jpeg")


@router.get("/{project_id}/labels/{frame}")
async def labels(
    desk: OpenProjectService, frame: int, version: Annotated[str | None, Query(max_length=64)] = None
) -> Response:
    """The label map of a frame as runs."""
    data = await desk.labels(frame, version)
    if version in (None, "live"):
        return Response(
            data, media_type="application/octet-stream", headers={"Cache-Control": responses.NO_STORE}
        )
    return responses.unchanging(data, "application/octet-stream")


@router.get("/{project_id}/scores/{version}")
async def scores(desk: OpenProjectService, version: str) -> Response:
    """How much each frame of a round deserves a look, as bytes."""
    return responses.unchanging(desk.scores(version), "application/octet-stream")


@router.websocket("/{project_id}/events")
async def events(socket: WebSocket, project_id: str) -> None:
    """What happens in the project, as it happens."""
    try:
        desk = await the_library(socket).desk(project_id)
    except RequestError:
        await socket.close(1008)
        return
    await sockets.serve(socket, desk.hub, desk.greeting)
