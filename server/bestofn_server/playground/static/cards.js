// A run: its candidates as cards, filled as events come, ordered once the winner is known.

import { element } from "./elements.js";
import { word } from "./words.js";

export class Run {
  constructor(title) {
    this.known = new Map();
    this.summary = element("p", { class: "summary" });
    this.list = element("ol", { class: "cards" });
    this.element = element("section", { class: "run", "aria-label": title || word("tabTry") },
      title && element("h2", {}, title), this.summary, this.list);
    this.winner = null;
  }

  take(event) {
    const kind = event.object;
    if (event.error) return this.fail(event.error.message);
    if (kind === "bestofn.started") event.indices.forEach((index) => this.#keep({ index, state: "running", text: "" }));
    else if (kind === "bestofn.snapshot") this.#keep({ ...this.known.get(event.index)?.record, ...event, state: "running" });
    else if (kind === "bestofn.candidate") this.#keep(event);
    else if (event.bestofn) this.finish(event.bestofn);
  }

  finish(report) {
    const rules = Object.keys(report.stopped?.aborted ?? {});
    for (const record of report.candidates ?? []) {
      this.#keep({ ...this.known.get(record.index)?.record, ...record, state: stateOf(record, rules) });
    }
    this.winner = report.winner;
    this.#draw();
    const place = ({ record }) => record.rank ?? 1e6 + record.index;
    const ordered = [...this.known.values()].sort((a, b) => place(a) - place(b));
    this.list.replaceChildren(...ordered.map((card) => card.element));
    this.summary.replaceChildren(...summarised(report));
  }

  fail(message) {
    this.summary.replaceChildren(element("strong", { class: "error", role: "alert" }, message));
  }

  #keep(record) {
    const held = this.known.get(record.index) ?? { element: element("li", {}) };
    held.record = record;
    if (!this.known.has(record.index)) {
      this.known.set(record.index, held);
      this.list.append(held.element);
    }
    this.#draw();
  }

  #draw() {
    const scores = [...this.known.values()].map(({ record }) => scoreOf(record)).filter((value) => value !== null);
    const [low, high] = [Math.min(...scores), Math.max(...scores)];
    for (const { element: place, record } of this.known.values()) {
      const drawn = card(record, low, high, record.index === this.winner);
      if (drawn.signature === place.dataset.signature) continue;
      place.dataset.signature = drawn.signature;
      place.replaceChildren(drawn.element);
    }
  }
}

const scoreOf = (record) => record.reward ?? record.mean_logprob ?? null;

function stateOf(record, rules) {
  if (record.failure) return rules.includes(record.failure.reason) ? "stopped" : "failed";
  if (record.rejections.some((each) => each.certain)) return "rejected";
  return record.rejections.length ? "suspected" : "accepted";
}

function card(record, low, high, won) {
  const score = scoreOf(record);
  const signature = JSON.stringify([record, won, score === null ? 0 : [low, high], document.documentElement.lang]);
  const share = score === null ? 0 : high > low ? (score - low) / (high - low) : 1;
  const label = record.reward !== null && record.reward !== undefined ? word("reward") : word("logprob");
  const state = won ? "winner" : record.state;
  const made = element("article", { class: "card", "data-state": record.state, "data-won": won },
    element("header", {},
      element("h3", {}, `${word("candidate")} ${record.index}`),
      element("span", { class: "state" }, word(state)),
      record.generator ? element("span", { class: "generator" }, `${word("sampledBy")} ${record.generator}`) : null,
      record.answer_key ? element("span", { class: "vote" }, `${word("votes")} ${record.answer_key}`) : null,
      record.completion_tokens != null ? element("span", { class: "tokens" }, `${record.completion_tokens} ${word("tokens")}`) : null),
    score === null ? null : element("div", { class: "score" },
      element("span", {}, `${label} ${score.toFixed(3)}`),
      element("div", { class: "bar", "aria-hidden": "true" },
        element("div", { class: `fill w${Math.round(share * 20) * 5}` }))),
    element("div", { class: "text" }, ...marked(record)),
    ...calls(record),
    ...(record.rejections ?? []).map((each) =>
      element("p", { class: "why" },
        element("strong", {}, `${each.filter}: ${each.reason}`), ` (${word(each.certain ? "certain" : "suspicion")}) `, each.detail)),
    record.failure ? element("p", { class: "why" }, element("strong", {}, record.failure.reason), ` ${record.failure.detail}`) : null);
  return { element: made, signature };
}

// The text, with what filters object to marked. Offsets count characters, not UTF-16 units.
function marked(record) {
  const characters = [...(record.text ?? "")];
  if (!characters.length) return record.state === "running" ? [] : [element("em", {}, `(${word("nothing")})`)];
  const spans = (record.rejections ?? []).map((each) => each.span).filter(Boolean).sort((a, b) => a[0] - b[0]);
  const parts = [];
  let at = 0;
  for (const [start, end] of spans) {
    if (start < at) continue;
    parts.push(characters.slice(at, start).join(""), element("mark", {}, characters.slice(start, end).join("")));
    at = end;
  }
  parts.push(characters.slice(at).join(""));
  const cut = (record.rejections ?? []).some((each) => each.filter === "truncation");
  if (cut) parts.push(element("mark", { class: "cut", "aria-hidden": "true" }, "✂"));
  return parts;
}

function calls(record) {
  return (record.message?.tool_calls ?? []).map((call) =>
    element("pre", { class: "call" }, `${call.function?.name}(${call.function?.arguments})`));
}

function summarised(report) {
  const parts = [element("span", {}, word("outOf")(report.accepted, report.sampled))];
  if (report.chosen_by) {
    const how = [report.chosen_by.rule, report.chosen_by.answer_key, report.chosen_by.score].filter(Boolean).join(", ");
    parts.push(element("span", {}, `${word("chosenBy")} ${how}`));
  }
  if (report.confidence != null) parts.push(element("span", { class: "confidence" }, `${word("confidence")} ${report.confidence.toFixed(2)}`));
  if (report.stopped) {
    const rule = report.stopped.rule ?? Object.keys(report.stopped.aborted).join(", ");
    parts.push(element("span", { class: "stopped-by" }, `${word("stoppedBy")} ${rule}`),
      element("span", {}, `${word("saved")} ${report.stopped.tokens_saved}`));
  }
  if (report.fallback) parts.push(element("strong", {}, `${word("fallback")} ${report.fallback}`));
  if (report.timings) parts.push(element("span", {}, `${word("total")} ${(report.timings.total_ms / 1000).toFixed(2)} s`));
  for (const note of report.notes ?? []) parts.push(element("span", { class: "note" }, note));
  return parts;
}
