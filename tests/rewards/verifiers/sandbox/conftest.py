"""The sandbox's forms, each skipped with its reason where it is not to be had."""

from __future__ import annotations

import pytest

from bestofn.rewards.verifiers.sandbox.choice import why_not
from bestofn.rewards.verifiers.sandbox.forms import FORMS, WALLED, Form, Walled


@pytest.fixture(params=WALLED)
def walled(request: pytest.FixtureRequest) -> Walled:
    """A form with walls."""
    form: Walled = request.param
    if (reason := why_not(form)) is not None:
        pytest.skip(f"{form}: {reason}")
    return form


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Form:
    """Any form."""
    given: Form = request.param
    if given != "unsafe" and (reason := why_not(given)) is not None:
        pytest.skip(f"{given}: {reason}")
    return given
