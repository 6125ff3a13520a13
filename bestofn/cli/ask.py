"""`bestofn ask`: one prompt, a live view of its candidates, the ranked table."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bestofn.cli.options import (
    AnswerKeyOption,
    BestOfOption,
    ChatTemplateOption,
    ConfigOption,
    EngineOption,
    GeneratorOption,
    GrowOption,
    JsonOption,
    MaxTokensOption,
    ModelOption,
    RequestTimeoutOption,
    RewardModelOption,
    SelectorOption,
    StopOption,
    TemperatureOption,
    TrustOption,
    UnsafeCodeOption,
    UpstreamOption,
    VerboseOption,
    check_stopping,
    named,
    section_of,
    trusting,
)
from bestofn.cli.rows_read import standard_input
from bestofn.cli.running import exit_codes, run_to_end
from bestofn.control.policy import OnExhausted
from bestofn.core.errors import RequestError
from bestofn.core.types import Request
from bestofn.support.plain_json import is_text

if TYPE_CHECKING:
    from bestofn.settings.settings import Settings


def ask(
    prompt: Annotated[
        str, typer.Argument(help="What to ask; - reads standard input.", show_default=False)
    ],
    best_of: BestOfOption = None,
    model: ModelOption = None,
    reward_model: RewardModelOption = None,
    trust_remote_code: TrustOption = None,
    unsafe_code: UnsafeCodeOption = None,
    upstream: UpstreamOption = None,
    chat_template: ChatTemplateOption = None,
    generator: GeneratorOption = None,
    engine: EngineOption = None,
    system: Annotated[str | None, typer.Option(help="A system message.")] = None,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    seed: Annotated[int | None, typer.Option(help="Candidate i samples with seed + i.")] = None,
    selector: SelectorOption = None,
    answer_key: AnswerKeyOption = None,
    stop: StopOption = None,
    on_exhausted: Annotated[
        OnExhausted | None,
        typer.Option(help="What to do when nothing is acceptable. \\[resample]"),
    ] = None,
    grow: GrowOption = None,
    request_timeout: RequestTimeoutOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Ask once, sample many, show how each did and print the best."""
    with exit_codes():
        from bestofn.settings.settings import Settings
        from bestofn.settings.stopping import StopSettings

        settings = Settings.load(
            config,
            best_of=best_of,
            model=model,
            reward_model=reward_model,
            reward=trusting(trust_remote_code),
            selector=named(selector),
            answer_key=named(answer_key),
            stop=stop,
            unsafe_code=unsafe_code,
            upstream=upstream or None,
            chat_template=chat_template,
            generators=generator or None,
            engine=engine,
            temperature=temperature,
            max_tokens=max_tokens,
            seed=seed,
            request_timeout_seconds=request_timeout,
            policy=section_of(on_exhausted=on_exhausted, grow=grow),
        )
        if prompt == "-":
            prompt = _standard_input()
        _check_utf8(prompt, "the prompt")
        _check_utf8(system or "", "--system")
        if not prompt.strip():
            raise RequestError("the prompt is empty")
        if "stop" not in settings.model_fields_set:  # one answer is wanted, and soon
            settings = settings.model_copy(update={"stop": StopSettings(rule="auto")})
        check_stopping(settings)
        request = Request.from_prompt(
            prompt,
            system=system,
            best_of=settings.best_of,
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=settings.seed,
        )
        run_to_end(_ask(request, settings, as_json=as_json, verbose=verbose))


async def _ask(request: Request, settings: Settings, *, as_json: bool, verbose: bool) -> None:
    """Rank one prompt and print the result; what was done before an error is printed too.

    Raises:
        BestOfNError: as `opened_pipeline` and `best_of_n`; also GeneratorError, it took longer than
            a request may take.
    """
    from bestofn.cli.console import print_ranking, quiet_engines
    from bestofn.cli.tables import LiveCandidates
    from bestofn.cli.within import opened_pipeline
    from bestofn.core.best_of_n import best_of_n
    from bestofn.core.no_winner import GeneratorError, NoWinnerError

    seconds = settings.request_timeout_seconds
    with quiet_engines(verbose) as console, console.status("loading the models") as status:
        try:
            async with opened_pipeline(settings) as pipeline:
                status.stop()
                with LiveCandidates(console, request.best_of) as live:
                    async with asyncio.timeout(seconds):
                        ranking = await best_of_n(request, pipeline, observer=live.update)
                print_ranking(ranking, as_json=as_json)
        except TimeoutError as error:
            raise GeneratorError(f"no answer within {seconds:g} s (--request-timeout)") from error
        except NoWinnerError as error:
            if error.ranking is not None:
                print_ranking(error.ranking, as_json=as_json)
            raise


def _check_utf8(text: str, what: str) -> None:
    """See that no bytes of the command line came in that are no UTF-8, which Python marks.

    Raises:
        RequestError: some did.
    """
    if not is_text(text):
        raise RequestError(f"{what} is no UTF-8")


def _standard_input() -> str:
    """What is piped in, without the line break at its end.

    Raises:
        RequestError: it is no UTF-8.
        ConfigError: it is closed.
    """
    try:
        return standard_input().read().decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise RequestError(f"standard input is no UTF-8: {error}") from error
