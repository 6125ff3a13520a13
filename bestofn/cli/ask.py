"""Owns `bestofn ask`: one prompt, a live view of its candidates, the ranked table."""

from __future__ import annotations

from bestofn.builders.pipeline import open_pipeline
from bestofn.cli.console import print_ranking, quiet_engines
from bestofn.cli.tables import LiveCandidates
from bestofn.core.best_of_n import best_of_n
from bestofn.core.no_winner import NoWinnerError
from bestofn.core.types import Request
from bestofn.settings.settings import Settings


async def run(request: Request, settings: Settings, *, as_json: bool, verbose: bool) -> None:
    """Rank one prompt and print the result; what was done before an error is printed too.

    Raises:
        BestOfNError: as `open_pipeline` and `best_of_n`.
    """
    with quiet_engines(verbose) as console, console.status("loading the models") as status:
        try:
            async with open_pipeline(settings) as pipeline:
                status.stop()
                with LiveCandidates(console, request.best_of) as live:
                    ranking = await best_of_n(request, pipeline, observer=live.update)
                print_ranking(ranking, as_json=as_json)
        except NoWinnerError as error:
            if error.ranking is not None:
                print_ranking(error.ranking, as_json=as_json)
            raise
