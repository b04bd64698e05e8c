"""The web application: routes, errors in words, the page's files."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

import civos_siaf.app
from civos_siaf.app.document.actions import ActionError, Cancelled
from civos_siaf.app.server import export_routes, project_routes, requests
from civos_siaf.app.server.project_registry import ProjectRegistry
from civos_siaf.app.server.requests import BodyTooLargeError, RequestError
from civos_siaf.app.server.responses import EarlyRefusal
from civos_siaf.app.server.worker import TakenBack

PAGE = Path(civos_siaf.app.__file__).parent / "page"
BEAT_SECONDS = 2.0

log = logging.getLogger(__name__)


def create_app(library: ProjectRegistry) -> FastAPI:
    """The application without its guard; `civos_siaf.app.server.security.Guard` belongs around it.

    Args:
        library: all projects; closed when the application ends.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await library.start()
        beat = asyncio.create_task(_beat(library))
        yield
        beat.cancel()
        await library.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.library = library
    app.include_router(project_routes.router)
    app.include_router(export_routes.router)
    app.add_api_route("/", _index, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=PAGE, check_dir=False))
    for kind in (
        RequestError,
        RequestValidationError,
        HTTPException,
        ActionError,
        Cancelled,
        TakenBack,
        OSError,
        Exception,
    ):
        app.add_exception_handler(kind, _answer)
    return app


async def _index() -> Response:
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def _beat(library: ProjectRegistry) -> None:
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        library.beat()


async def _answer(request: Request, error: Exception) -> Response:
    status, message = _in_words(error)
    kind = EarlyRefusal if isinstance(error, BodyTooLargeError) and error.more else JSONResponse
    question = getattr(error, "question", None)
    return kind({"error": message} | ({"question": question} if question else {}), status)


def _in_words(error: Exception) -> tuple[int, str]:
    """Status and sentence for whatever a route raised."""
    if isinstance(error, RequestError):
        return error.status, error.message
    if isinstance(error, HTTPException):
        return error.status_code, {404: "There is nothing at this address."}.get(
            error.status_code, f"{error.detail}."
        )
    if isinstance(error, RequestValidationError):
        problem = error.errors()[0]
        return 422, f"{problem['loc'][-1]}: {problem['msg']}."
    if isinstance(error, (Cancelled, TakenBack)):
        kept = getattr(error, "kept", 0)
        if kept:
            return 409, f"Cancelled; the masks of {kept} frames that were finished are kept and marked."
        return 409, "Cancelled; everything is as before."
    if isinstance(error, ActionError):
        return 400, str(error)
    if isinstance(error, OSError):
        of_system = requests.of_system(error)
        return of_system.status, of_system.message
    return 500, f"The server made a mistake ({type(error).__name__}); the terminal shows it. Nothing is lost."
