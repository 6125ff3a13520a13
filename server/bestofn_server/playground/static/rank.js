// The tab that ranks what is there: a prompt and responses, without sampling.

import { postJson } from "./api.js";
import { Run } from "./cards.js";
import { element } from "./elements.js";
import { word } from "./words.js";

export class Rank {
  constructor(examples) {
    this.responses = document.getElementById("responses");
    this.prompt = document.getElementById("rank-prompt");
    const chooser = document.getElementById("examples");
    chooser.append(element("option", { value: "", "data-word": "chooseExample" }, word("chooseExample")),
      ...examples.map((each, at) => element("option", { value: at }, each.prompt.slice(0, 80))));
    document.getElementById("examples-label").hidden = !examples.length;
    chooser.addEventListener("change", () => chooser.value !== "" && this.fill(examples[Number(chooser.value)]));
    document.getElementById("add").addEventListener("click", () => this.#add("").querySelector("textarea").focus());
    document.getElementById("rank-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.rank();
    });
    this.#add("");
    this.#add("");
  }

  fill({ prompt, responses }) {
    this.prompt.value = prompt;
    this.responses.replaceChildren();
    responses.forEach((text) => this.#add(text));
  }

  async rank() {
    const texts = [...this.responses.querySelectorAll("textarea")].map((area) => area.value).filter((text) => text.trim());
    const run = new Run("");
    document.getElementById("ranked").replaceChildren(run.element);
    try {
      const answer = await postJson("v1/rewards", { prompt: this.prompt.value, responses: texts });
      run.finish(reported(answer, texts));
    } catch (error) {
      run.fail(error.message);
    }
  }

  #add(text) {
    const area = element("textarea", { rows: 2, maxlength: 100000, "aria-label": `${word("response")} ${this.responses.children.length + 1}` });
    area.value = text;
    const row = element("div", { class: "response" }, area,
      element("button", { type: "button", "data-word": "remove", onclick: () => row.remove() }, word("remove")));
    this.responses.append(row);
    return row;
  }
}

// The answer of /v1/rewards in the shape of a report.
function reported(answer, texts) {
  const candidates = answer.data.map((each) => ({
    ...each,
    index: each.index,
    text: texts[each.index],
    rank: answer.ranking.indexOf(each.index) < 0 ? null : answer.ranking.indexOf(each.index) + 1,
    rejections: each.rejections ?? [],
    failure: each.failure ?? null,
  }));
  const accepted = candidates.filter((each) => each.rank !== null).length;
  return { candidates, winner: answer.ranking[0] ?? null, accepted, sampled: candidates.length };
}
