"""The playground in a real browser, over scripted candidates: what a user sees and does."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from bestofn import Settings
from bestofn.core.pipeline import Pipeline
from bestofn.core.types import Request
from bestofn.generators.mixed import Member, MixedGenerator
from bestofn.testing import FakeCompletion, FakeGenerator
from bestofn_server.app import create_app
from tests.support.browsing import Tab, browser_tab
from tests.support.scripts import CUT, pipeline_of
from tests.support.serving import app_of, serving

pytestmark = pytest.mark.browser

WIDE = {"width": 1200, "height": 900}
PHONE = {"width": 360, "height": 740}


class Held:
    """A script whose last candidate finishes when it is let go."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    def __call__(self, request: Request, index: int) -> FakeCompletion:
        slow = index == request.best_of - 1
        return [
            FakeCompletion("good"),
            CUT,
            FakeCompletion("better", delay=1.5 if slow else 0.0),
        ][index % 3]


async def sample(tab: Tab, url: str, prompt: str = "What?", best_of: int = 3) -> None:
    await tab.page.goto(url)
    await tab.page.wait_for_selector("#a-best_of")
    await tab.page.fill("#prompt", prompt)
    await tab.page.fill("#a-best_of", str(best_of))
    await tab.page.click("#ask button.primary")


async def states(tab: Tab) -> dict[str, str]:
    found: dict[str, str] = await tab.page.eval_on_selector_all(
        ".card",
        "all => Object.fromEntries(all.map(card => "
        "[card.querySelector('h3').textContent, card.dataset.state]))",
    )
    return found


async def test_cards_are_there_before_the_last_candidate_has_finished() -> None:
    async with serving(app_of(Held())) as url, browser_tab(viewport=WIDE) as tab:
        await sample(tab, url)
        await tab.page.wait_for_selector('.card[data-state="accepted"]')
        assert (await states(tab))["Candidate 2"] == "running"
        await tab.page.wait_for_selector(".card[data-won]")
        first = await tab.page.text_content(".cards li:first-child h3")
        assert first == "Candidate 2"
        assert "accepted" in str(await tab.page.text_content(".summary"))
        why = await tab.page.text_content('.card[data-state="rejected"] .why')
        assert "cut: length (certain) it did not end" in str(why)
        assert tab.faults == []
        assert [each for each in tab.asked if not each.startswith(url)] == []


async def test_what_a_filter_objects_to_is_marked() -> None:
    loop = "And so on and on. " * 40
    app = app_of(["good", FakeCompletion("Fine. " + loop)])
    async with serving(app) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.fill("#prompt", "What?")
        await tab.page.click("summary")
        await tab.page.check('.settings input[value="repetition"]')
        await tab.page.click("#ask button.primary")
        marked = await tab.page.text_content(".card[data-state='rejected'] mark")
        assert str(marked).count("And so on") == 40
        assert "Fine." not in str(marked)


async def test_two_settings_run_side_by_side() -> None:
    async with serving(app_of(["good", "better"])) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.check("#compare")
        await tab.page.fill("#prompt", "What?")
        await tab.page.fill("#a-best_of", "1")
        await tab.page.fill("#b-best_of", "2")
        await tab.page.click("#ask button.primary")
        await tab.page.wait_for_selector(".run:nth-child(2) .card[data-won]")
        await tab.page.wait_for_selector(".run:nth-child(1) .card[data-won]")
        counts = await tab.page.eval_on_selector_all(
            ".run", "all => all.map(run => run.querySelectorAll('.card').length)"
        )
        assert counts == [1, 2]


async def test_a_card_says_which_of_several_generators_sampled_it() -> None:
    small, large = FakeGenerator(["good"]), FakeGenerator(["better", CUT])
    both = MixedGenerator([Member("small", small), Member("<large>", large)])
    app = create_app(Settings(best_of=4), replace(pipeline_of(["good"])[0], generator=both))
    async with serving(app) as url, browser_tab(viewport=WIDE) as tab:
        await sample(tab, url, best_of=4)
        await tab.page.wait_for_selector(".card[data-won]")
        told = await tab.page.eval_on_selector_all(
            ".card",
            "all => all.map(card => [card.querySelector('h3').textContent, "
            "card.querySelector('.generator').textContent])",
        )
        assert dict(told) == {
            "Candidate 0": "sampled by small",
            "Candidate 1": "sampled by <large>",
            "Candidate 2": "sampled by small",
            "Candidate 3": "sampled by <large>",
        }
        assert tab.faults == []


async def test_of_one_generator_a_card_says_nothing() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE) as tab:
        await sample(tab, url)
        await tab.page.wait_for_selector(".card[data-won]")
        assert await tab.page.locator(".generator").count() == 0


async def test_an_error_is_said_and_the_next_try_works() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE) as tab:
        await sample(tab, url, best_of=65)
        # the browser's own check of the field, then the server's
        assert await tab.page.evaluate("() => !document.getElementById('a-best_of').validity.valid")
        await tab.page.evaluate("() => document.getElementById('a-best_of').removeAttribute('max')")
        await tab.page.click("#ask button.primary")
        said = await tab.page.text_content(".summary .error")
        assert said == "best_of is 65; this server takes at most 64"
        await tab.page.fill("#a-best_of", "2")
        await tab.page.click("#ask button.primary")
        await tab.page.wait_for_selector(".card[data-won]")


async def test_it_is_worked_by_the_keyboard_alone() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.focus("#tab-try")
        await tab.page.keyboard.press("ArrowRight")
        assert await tab.page.is_visible("#rank-prompt")
        await tab.page.keyboard.press("ArrowLeft")
        await tab.page.keyboard.press("Tab")
        await tab.page.keyboard.type("What?")
        await tab.page.keyboard.press("Control+Enter")
        await tab.page.wait_for_selector(".card[data-won]")
        assert "won" in str(await tab.page.text_content("#said"))


async def test_what_is_there_is_ranked() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.click("#tab-rank")
        await tab.page.fill("#rank-prompt", "What?")
        for at, text in enumerate(["good", "a loop", "better"]):
            if at == 2:
                await tab.page.click("#add")
            await tab.page.fill(f"#responses .response:nth-child({at + 1}) textarea", text)
        await tab.page.click("#rank-form button.primary")
        await tab.page.wait_for_selector("#ranked .card[data-won]")
        assert await tab.page.text_content("#ranked li:first-child .text") == "better"
        assert "loop" in str(await tab.page.text_content("#ranked [data-state='rejected'] .why"))


async def test_the_settings_are_copied_as_a_command_code_and_profile() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.fill("#prompt", "It's 7 + 5?")
        await tab.page.fill("#a-best_of", "4")
        await tab.page.select_option("#a-selector", "argmax")
        copied: dict[str, Any] = {}
        for form in ("curl", "python", "yaml"):
            await tab.page.click(f"[data-copy={form}]")
            copied[form] = await tab.page.evaluate("() => navigator.clipboard.readText()")
    assert "It'\\''s 7 + 5?" in copied["curl"]
    compile(copied["python"], "copied", "exec")
    assert '"selector": "argmax"' in copied["python"]
    assert "    best_of: 4\n" in copied["yaml"]
    assert '    selector: "argmax"\n' in copied["yaml"]


async def test_it_speaks_chinese_and_remembers_it() -> None:
    async with serving(app_of()) as url, browser_tab(viewport=WIDE, locale="zh-CN") as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        assert await tab.page.text_content("#ask button.primary") == "采样"
        await tab.page.select_option("#language", "en")
        await tab.page.reload()
        await tab.page.wait_for_selector("#a-best_of")
        assert await tab.page.text_content("#ask button.primary") == "Sample"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
async def test_axe_finds_no_serious_fault(scheme: str, viewport: dict[str, int]) -> None:
    from axe_playwright_python.async_playwright import Axe

    app = app_of(Held())
    async with (
        serving(app) as url,
        browser_tab(viewport=viewport, color_scheme=scheme) as tab,
    ):
        await sample(tab, url)
        await tab.page.wait_for_selector(".card[data-won]")
        for tab_name in ("#tab-try", "#tab-rank"):
            await tab.page.click(tab_name)
            found = (await Axe().run(tab.page)).response["violations"]
            serious = [each for each in found if each["impact"] in ("serious", "critical")]
            assert serious == [], json.dumps(serious, indent=1)[:2000]
        width = await tab.page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= viewport["width"]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("prompt", "best_of"), [("What is 7 + 5?", 8), ("3、9、5 从小到大怎么排？", 8)]
)
async def test_the_embedded_pair_answers_in_both_languages(
    prompt: str, best_of: int, pipeline: Pipeline
) -> None:
    app = create_app(Settings(), pipeline)
    async with serving(app) as url, browser_tab(viewport=WIDE) as tab:
        await sample(tab, url, prompt, best_of)
        await tab.page.wait_for_selector(".card[data-won]")
        assert "chosen by" in str(await tab.page.text_content(".summary"))
        assert await tab.page.text_content("li:first-child .card[data-won] .text")
        assert tab.faults == []
        assert [each for each in tab.asked if not each.startswith(url)] == []


async def test_who_stopped_early_and_what_it_saved_is_told() -> None:
    def agreeing(request: Request, index: int) -> FakeCompletion:
        return FakeCompletion("good", delay=60 if index == 7 else 0)

    async with serving(app_of(agreeing)) as url, browser_tab(viewport=WIDE) as tab:
        await tab.page.goto(url)
        await tab.page.wait_for_selector("#a-best_of")
        await tab.page.fill("#prompt", "What?")
        await tab.page.fill("#a-best_of", "8")
        await tab.page.select_option("#a-stop", "agreement")
        await tab.page.click("#ask button.primary")
        await tab.page.wait_for_selector(".stopped-by")
        told = str(await tab.page.text_content(".summary"))
        assert "stopped by agreement" in told
        assert "tokens saved, about" in told
        assert (await states(tab))["Candidate 7"] == "stopped"
