// Requests to this server: JSON, and events as they come.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const headers = () => {
  const key = document.getElementById("key").value.trim();
  return { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }) };
};

async function checked(answer) {
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new ApiError(answer.status, body?.error?.message ?? `${answer.status}`);
}

export async function getJson(path) {
  return (await checked(await fetch(path, { headers: headers() }))).json();
}

export async function postJson(path, body) {
  const sent = { method: "POST", headers: headers(), body: JSON.stringify(body) };
  return (await checked(await fetch(path, sent))).json();
}

// Yields the objects of a stream of server-sent events until [DONE].
export async function* events(path, body, signal) {
  const sent = { method: "POST", headers: headers(), body: JSON.stringify(body), signal };
  const answer = await checked(await fetch(path, sent));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      const data = part.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}
