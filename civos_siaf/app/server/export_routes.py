"""Addresses of exports and imports."""

from __future__ import annotations

import asyncio
import json

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, JSONResponse, Response

from civos_siaf.app.exports import formats
from civos_siaf.app.server import importing, requests, responses, uploads
from civos_siaf.app.server.project_routes import AnyProjectRegistry, OpenProjectService
from civos_siaf.app.server.requests import RequestError

IMPORT_LIMIT = 64 * 2**20

router = APIRouter(prefix="/api")


@router.get("/formats")
async def known_formats() -> Response:
    """The formats with their options."""
    return JSONResponse(formats())


@router.post("/projects/{project_id}/exports")
async def export(request: Request, desk: OpenProjectService) -> Response:
    """Begin an export."""
    data = await requests.json_object(request)
    name, options = data.get("format"), data.get("options", {})
    if not isinstance(name, str) or not isinstance(options, dict):
        raise RequestError(400, 'An export is {"format": name, "options": {...}}.')
    return JSONResponse({"id": desk.exports.start(name, options)}, status_code=202)


@router.get("/projects/{project_id}/exports/{export_id}")
async def exported(desk: OpenProjectService, export_id: str) -> Response:
    """The file of a finished export."""
    path = desk.exports.file(export_id)
    try:
        found = await asyncio.to_thread(path.stat)
    except FileNotFoundError:  # newer ones came just now
        raise RequestError(404, "There is no such export any more; make it again.") from None
    headers = {"Cache-Control": responses.NO_STORE}
    return FileResponse(path, filename=path.name, headers=headers, stat_result=found)


@router.post("/projects/{project_id}/exports/{export_id}/cancel")
async def cancel_export(desk: OpenProjectService, export_id: str) -> Response:
    """End an export that is not finished."""
    desk.exports.cancel(export_id)
    return JSONResponse({})


@router.post("/projects/{project_id}/imports")
async def import_masks(
    request: Request,
    desk: OpenProjectService,
    library: AnyProjectRegistry,
    format: str,
    frame: int | None = None,
    first: int | None = None,
    values: str | None = None,
) -> Response:
    """Draw the masks in the body; the answer says how they were read where that was not certain."""
    importing.check_format(format)
    body = requests.chunks(request, min(IMPORT_LIMIT, library.max_upload))
    async with uploads.kept_while(body, library.uploads, name="The file") as path:
        how = importing.How(format, frame=frame, first=first, values=values)
        notes: list[str] = []

        def draw() -> None:
            notes.extend(importing.import_masks(desk.annotator, path, how, desk))

        state = await desk.change(draw, model=True)
        return responses.json_text(f'{{"state":{state},"notes":{json.dumps(notes)}}}')
