"""The OpenAPI page: what FastAPI writes, corrected where it says less or other than is so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bestofn.settings.choices import Access
from bestofn_server.http.auth import is_open
from bestofn_server.wire import bounds


def page(app: FastAPI, *, guarded: bool, access: Mapping[str, Access]) -> dict[str, Any]:
    """The page of `app`, made once; without the 422 that FastAPI adds everywhere.

    Args:
        app: whose routes it describes.
        guarded: whether a key is needed, which then stands at every path that needs it.
        access: as `bestofn_server.http.auth.RequireKey`.
    """
    if app.openapi_schema is None:
        made: dict[str, Any] = _exact(
            get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
        )
        for path, operations in made["paths"].items():
            for operation in operations.values():
                if "HTTPValidationError" in str(operation["responses"].get("422", {})):
                    del operation["responses"]["422"]
                for parameter in operation.get("parameters", ()):
                    _never_null(parameter["schema"])
                if guarded and is_open(path, access):
                    operation["security"] = []
        for unused in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(unused, None)
        if guarded:
            made["components"]["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            }
            made["security"] = [{"key": []}, {"header": []}]  # either of them
        app.openapi_schema = made
    return app.openapi_schema


def _never_null(schema: dict[str, Any]) -> None:
    """Take null off the schema of a header or of a part of a path, which cannot be it: without the
    header there is no value."""
    kinds = [each for each in schema.pop("anyOf", ()) if each.get("type") != "null"]
    schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


def _exact(value: Any) -> Any:
    """Bounds as they were given: FastAPI makes floats of them, which JSON writes with an exponent,
    and of which the largest integer of 64 bits is none."""
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return min(int(value), bounds.LARGEST)
    return value
