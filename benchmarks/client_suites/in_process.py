"""The server in process, over fakes that play a `ScriptedModel`.

.venv/bin/python -m benchmarks.client_suites.in_process --port 8000 [--profiles NAME ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from benchmarks.client_suites.scripted_model import ScriptedModel
from benchmarks.client_suites.upstream import MODEL
from bestofn import Pipeline, Request, Settings
from bestofn.builders.choosing import build_selector
from bestofn.builders.pipeline import build_filters
from bestofn.core.token_details import NOTHING_APART
from bestofn.settings.sections import Profile
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app


def application(profiles: Sequence[str]) -> FastAPI:
    """The app.

    Args:
        profiles: names that it answers to besides the model's.
    """
    model = ScriptedModel()

    def sampled(request: Request, index: int) -> FakeCompletion:
        body = {**request.options, "messages": list(request.messages)}
        message, reason = model.choice(body, index, request.best_of)
        text = message["content"] or ""
        return FakeCompletion(text, reason, message=message, details=NOTHING_APART)

    settings = Settings(model=MODEL, profiles={name: Profile() for name in profiles})
    pipeline = Pipeline(
        FakeGenerator(sampled), build_selector(settings.selector), build_filters(settings.filters)
    )
    return create_app(settings, pipeline)


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--profiles", nargs="*", default=[])
    arguments = parser.parse_args()
    uvicorn.run(application(arguments.profiles), port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
