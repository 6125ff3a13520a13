"""The page of the documentation, /docs: Swagger UI, which this server itself serves."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from bestofn.settings.choices import Access
from bestofn_server.http.auth import ASSETS


def documented_app(access: Access, **about: Any) -> FastAPI:
    """An app whose documentation loads nothing from another host, or that has none.

    FastAPI's own page loads its scripts from a content delivery network, which nobody can reach in
    a closed network, and which then sees who reads it. The same scripts are in `fastapi-offline`.

    Args:
        access: off: there are neither /docs nor /openapi.json.
        about: FastAPI's arguments.
    """
    if access == "off":
        return FastAPI(docs_url=None, redoc_url=None, openapi_url=None, **about)
    app = FastAPI(docs_url=None, redoc_url=None, **about)
    assets = StaticFiles(directory=str(files("fastapi_offline") / "static"))
    app.mount(ASSETS.rstrip("/"), assets, name="assets")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=f"{app.title} - API",
            swagger_js_url=f"{root}{ASSETS}swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}favicon.png",
        )

    return app
