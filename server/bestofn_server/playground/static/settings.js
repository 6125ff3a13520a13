// A panel of settings, and what it comes to: a request's body, a command, a profile.

import { element } from "./elements.js";
import { word } from "./words.js";

const NUMBERS = {
  best_of: { min: 1, step: 1 },
  temperature: { min: 0, max: 2, step: 0.1 },
  max_tokens: { min: 1, step: 1 },
  seed: { step: 1 },
};

export class Settings {
  constructor(about, models, title, prefix) {
    this.fields = {};
    const field = (name, control) => {
      this.fields[name] = control;
      control.id = `${prefix}-${name}`;
      return element("label", {}, element("span", { "data-word": name }, word(name)), control);
    };
    const choice = (names) =>
      element("select", {}, element("option", { value: "", "data-word": "asServer" }, word("asServer")),
        ...names.map((name) => element("option", { value: name }, name)));
    const number = (name, placeholder = "") =>
      element("input", { type: "number", inputmode: "decimal", placeholder, ...NUMBERS[name] });
    this.filters = about.filters.map((name) =>
      element("input", { type: "checkbox", value: name, ...(about.active_filters.includes(name) && { checked: true }) }));
    this.active = about.active_filters;
    this.element = element("fieldset", {}, element("legend", { "data-word": title }, word(title)),
      field("model", element("select", {}, ...models.map((name) => element("option", { value: name }, name)))),
      field("best_of", number("best_of", `${about.best_of}`)),
      field("temperature", number("temperature")),
      field("max_tokens", number("max_tokens")),
      field("seed", number("seed")),
      field("selector", choice(about.selectors)),
      field("answer_key", choice(about.answer_keys)),
      field("stop", choice(about.stop_rules)),
      element("details", {}, element("summary", { "data-word": "filters" }, word("filters")),
        ...this.filters.map((box) => element("label", { class: "check" }, box, ` ${box.value}`))));
    this.fields.best_of.max = about.max_best_of;
    this.fields.stop.value = "auto";
  }

  // What was chosen; what was left as the server has it is not there.
  get chosen() {
    const found = {};
    for (const [name, control] of Object.entries(this.fields)) {
      if (control.value !== "") found[name] = name in NUMBERS ? Number(control.value) : control.value;
    }
    const wanted = this.filters.filter((box) => box.checked).map((box) => box.value);
    const shown = this.active.filter((name) => this.filters.some((box) => box.value === name));
    if (wanted.join() !== shown.slice().sort().join()) {
      // Filters that only the operator sets up stay, in their place.
      const kept = this.active.filter((name) => !this.filters.some((box) => box.value === name));
      found.filters = [...wanted, ...kept];
    }
    return found;
  }

  body(prompt) {
    const { selector, answer_key, stop, filters, ...plain } = this.chosen;
    const own = Object.fromEntries(
      Object.entries({ selector, answer_key, stop, filters }).filter(([, value]) => value !== undefined));
    return { ...plain, messages: [{ role: "user", content: prompt }], ...(Object.keys(own).length && { bestofn: own }) };
  }
}

const inPython = (value) =>
  JSON.stringify(value, null, 4).replace(/\btrue\b/g, "True").replace(/\bfalse\b/g, "False").replace(/\bnull\b/g, "None");

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

export const AS = {
  curl: (body) =>
    `curl ${location.origin}/v1/chat/completions \\\n  -H 'Content-Type: application/json' -H "Authorization: Bearer $API_KEY" \\\n  -d ${quoted(JSON.stringify(body))}`,
  python: ({ model, messages, n, temperature, max_tokens, seed, ...ours }) => {
    const known = Object.entries({ model, messages, n, temperature, max_tokens, seed }).filter(([, value]) => value !== undefined);
    const lines = known.map(([name, value]) => `    ${name}=${inPython(value).replaceAll("\n", "\n    ")},`);
    lines.push(`    extra_body=${inPython(ours).replaceAll("\n", "\n    ")},`);
    return `from openai import OpenAI\n\nclient = OpenAI(base_url="${location.origin}/v1", api_key="...")\nanswer = client.chat.completions.create(\n${lines.join("\n")}\n)\nprint(answer.choices[0].message.content)\n`;
  },
  yaml: ({ messages, bestofn, ...plain }) => {
    const { stream, ...own } = { ...plain, ...bestofn };
    const lines = Object.entries(own).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
    return `profiles:\n  my-profile:\n${lines.join("\n")}\n`;
  },
};
