// The page: tabs, settings, one run or two side by side.

import { ApiError, events, getJson } from "./api.js";
import { Run } from "./cards.js";
import { element } from "./elements.js";
import { Rank } from "./rank.js";
import { AS, Settings } from "./settings.js";
import { speak, word } from "./words.js";

const by = (id) => document.getElementById(id);
const PROMPTS = ["What is 7 + 5?", "Arrange the numbers 6, 4, 9 in descending order.", "7和2哪个大？", "3、9、5 从小到大怎么排？"];
const remembered = (name, otherwise) => localStorage.getItem(`bestofn-${name}`) ?? otherwise;

let panels = [];
let running = null;
let about = null;

function say(text) {
  by("said").textContent = text;
}

function describe() {
  if (about === null) return;
  const scores = about.reward_model ? `${word("scores")} ${about.reward_model}` : word("noReward");
  by("about").textContent = about.samples ? scores : `${word("onlyScores")}, ${scores}`;
}

async function load() {
  try {
    const [found, listed] = await Promise.all([getJson("playground/about"), getJson("v1/models")]);
    about = found;
    panels = ["settingsA", "settingsB"].map((title, at) => new Settings(about, listed.data.map((each) => each.id), title, "ab"[at]));
    by("settings").replaceChildren(...panels.map((panel) => panel.element));
    panels[1].element.hidden = !by("compare").checked;
    if (!load.ranks) load.ranks = new Rank(about.examples);
    describe();
    say("");
  } catch (error) {
    say(error instanceof ApiError && error.status === 401 ? word("needsKey") : `${word("unreachable")} ${error.message}`);
    if (error instanceof ApiError && error.status === 401) by("key").focus();
  }
}

async function sample() {
  const chosen = panels.slice(0, by("compare").checked ? 2 : 1);
  if (!chosen.length) return load();
  running?.abort();
  const control = new AbortController();
  running = control;
  by("abort").hidden = false;
  const runs = chosen.map((_, at) => new Run(chosen.length > 1 ? word(["settingsA", "settingsB"][at]) : ""));
  by("runs").replaceChildren(...runs.map((run) => run.element));
  const prompt = by("prompt").value;
  await Promise.all(runs.map((run, at) => play(run, chosen[at].body(prompt), control.signal)));
  if (running === control) {
    running = null;
    by("abort").hidden = true;
  }
}

async function play(run, body, signal) {
  try {
    for await (const event of events("v1/candidates", body, signal)) {
      run.take(event);
      if (event.bestofn && run.winner !== null) {
        const { confidence } = event.bestofn;
        say(word("over")(run.winner, confidence === null ? null : confidence.toFixed(2)));
      }
    }
  } catch (error) {
    if (error.name !== "AbortError") run.fail(error.message);
  }
}

async function copy(form) {
  const text = AS[form](panels[0].body(by("prompt").value || PROMPTS[0]));
  try {
    await navigator.clipboard.writeText(text);
    say(word("copied"));
  } catch {
    say(word("notCopied"));
  }
}

function select(tab) {
  for (const each of document.querySelectorAll("[role=tab]")) {
    const chosen = each === tab;
    each.setAttribute("aria-selected", chosen);
    each.tabIndex = chosen ? 0 : -1;
    by(each.getAttribute("aria-controls")).hidden = !chosen;
  }
}

function start() {
  by("language").value = remembered("language", navigator.language.startsWith("zh") ? "zh" : "en");
  by("theme").value = remembered("theme", "");
  by("key").value = sessionStorage.getItem("bestofn-key") ?? "";
  const themed = () => (document.documentElement.dataset.theme = by("theme").value);
  speak(by("language").value);
  themed();
  by("language").addEventListener("change", () => {
    localStorage.setItem("bestofn-language", by("language").value);
    speak(by("language").value);
    describe();
  });
  by("theme").addEventListener("change", () => {
    localStorage.setItem("bestofn-theme", by("theme").value);
    themed();
  });
  by("key").addEventListener("change", () => {
    sessionStorage.setItem("bestofn-key", by("key").value); // of this tab, until it is closed
    load();
  });
  by("prompts").append(...PROMPTS.map((text) =>
    element("button", { type: "button", class: "example", onclick: () => (by("prompt").value = text) }, text)));
  by("compare").addEventListener("change", () => {
    if (panels[1]) panels[1].element.hidden = !by("compare").checked;
  });
  by("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    sample();
  });
  by("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) by("ask").requestSubmit();
  });
  by("abort").addEventListener("click", () => running?.abort());
  for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button.dataset.copy));
  const tabs = [...document.querySelectorAll("[role=tab]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      select(next);
      next.focus();
    });
  }
  load();
}

start();
