"""Dataset card: what was sampled with what, what came of it, and under which licence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bestofn.dataset.export.exported import Exported, table_of
from bestofn.dataset.export.formats import CHOSEN, NAMES
from bestofn.dataset.export.summary import Summary
from bestofn.dataset.store.atomic_files import replace_text
from bestofn.dataset.store.configuration import without_secrets
from bestofn.dataset.store.rollouts import RunState
from bestofn.settings.settings import NO_REWARD_MODEL


def write_card(
    folder: Path,
    state: RunState,
    summary: Summary,
    exported: Sequence[Exported],
    *,
    licence: str | None,
) -> None:
    """Write the run's README.md, which `datasets.load_dataset(FOLDER, NAME)` reads too.

    Args:
        folder: of the run.
        state: see `card_text`.
        summary: see `card_text`.
        exported: all formats that are there.
        licence: see `card_text`.
    """
    text = card_text(state, summary, exported, licence=licence)
    replace_text(folder / "README.md", text)


def gone_of(folder: Path) -> Iterator[str]:
    """A sentence for each file that the card of a run's folder names, and that is not there."""
    from huggingface_hub.repocard import metadata_load

    card = folder / "README.md"
    try:
        head = metadata_load(card) if card.is_file() else None
    except (OSError, ValueError, yaml.YAMLError):  # somebody's own: it names nothing of ours
        head = None
    configs = head.get("configs") if isinstance(head, Mapping) else None
    for config in configs if isinstance(configs, list) else ():
        if not isinstance(config, Mapping):
            continue
        for name in NAMES:
            file = table_of(folder, name)
            named = (config.get("config_name"), config.get("data_files"))
            if named == (name, f"{name}/{file.name}") and not file.is_file():
                yield (
                    f"{file} is gone, which README.md names; `--format {name}` of `bestofn export` "
                    "writes it anew"
                )


def card_text(
    state: RunState, summary: Summary, exported: Sequence[Exported], *, licence: str | None
) -> str:
    """The card of a folder, or of a repository on the hub, that holds these formats.

    Args:
        state: how far the run is, with its manifest.
        summary: what its records hold.
        exported: the formats that are there.
        licence: an identifier of the hub's; None: the card names none.
    """
    head: dict[str, Any] = {
        "configs": [
            {"config_name": each.name, "data_files": f"{each.name}/train.parquet"}
            | ({"default": True} if at == 0 else {})
            for at, each in enumerate(exported)
        ],
        "tags": ["bestofn", "rejection-sampling", "best-of-n"],
    }
    if licence:
        head = {"license": licence, **head}
    text = "\n".join(["---", yaml.safe_dump(head, sort_keys=False).strip(), "---", ""])
    return text + "\n".join(_body(state, summary, exported, licence)) + "\n"


def _body(
    state: RunState, summary: Summary, exported: Sequence[Exported], licence: str | None
) -> list[str]:
    # A path of the machine that sampled tells a reader nothing, and a key in a URL too much.
    config = without_secrets(state.manifest.config)
    source = Path(str(config.get("input")))
    if source.is_absolute() or source.exists():
        config = config | {"input": source.name}
    unfinished = [f"{state.unfinished[:1].upper()}{state.unfinished[1:]}.", ""]
    scored = (
        ", scored with a reward model and ranked within the prompt. Rewards of different prompts "
        "do not compare"
        if _is_scored(config)
        else " and ranked within the prompt; no reward model scored them"
    )
    return [
        "# Best of N",
        "",
        f"Sampled by bestofn {state.manifest.bestofn}: up to {config.get('best_of')} candidates "
        f"for each prompt, filtered{scored}.",
        "",
        *(unfinished if state.unfinished else ()),
        f"Licence: {licence or 'not stated'}.{_kept(exported)}",
        "",
        "| | |",
        "|---|---:|",
        f"| prompts | {summary.rows:,} |",
        *(f"| {status.replace('_', ' ')} | {n:,} |" for status, n in summary.statuses.items()),
        f"| candidates | {summary.candidates:,} |",
        f"| accepted | {summary.accepted:,} |",
        *(f"| suspected: {reason} | {n:,} |" for reason, n in summary.suspected.items()),
        *(f"| rejected: {reason} | {n:,} |" for reason, n in summary.rejected.items()),
        *(f"| failed: {reason} | {n:,} |" for reason, n in summary.failed.items()),
        f"| completion tokens | {summary.completion_tokens:,} |",
        "",
        "| format | rows | prompts |",
        "|---|---:|---:|",
        *(
            f"| [{each.name}]({each.name}) | {each.rows:,} | {each.prompts:,} |"
            for each in exported
        ),
        "",
        "Configuration:",
        "",
        "```yaml",
        yaml.safe_dump(_plain(config), sort_keys=True, allow_unicode=True).strip(),
        "```",
    ]


def _kept(exported: Sequence[Exported]) -> str:
    """The rules by which the formats that have one were made, which need not be the same."""
    names: dict[str, list[str]] = {}
    for each in exported:
        if each.name in CHOSEN:
            names.setdefault(each.kept or "by a rule that was not recorded", []).append(each.name)
    if len(names) == 1:
        return f" Kept: {next(iter(names))}."
    rules = (f"{rule} ({', '.join(of)})" for rule, of in names.items())
    return f" Kept: {'; '.join(rules)}." if names else ""


def _is_scored(config: Mapping[str, Any]) -> bool:
    """Whether a reward model was named, or the embedded one scored the embedded generator."""
    named = config.get("reward_model")
    own = not any(config.get(name) for name in ("model", "upstream", "generators"))
    return bool(config.get("rewards")) or (own if named is None else named != NO_REWARD_MODEL)


def _plain(value: Any) -> Any:
    """Without what is not set."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v not in (None, [], {})}
    return value
