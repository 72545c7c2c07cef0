// Asking the server, and hearing from it what is new.

export class Trouble extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

export function address(path, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(name, one);
    }
  }
  const text = query.toString();
  return `/api/v1/${path}${text ? `?${text}` : ""}`;
}

export async function ask(path, params, signal) {
  let answer;
  try {
    answer = await fetch(address(path, params), { signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Trouble(0, "The server does not answer.");
  }
  if (answer.ok) return answer.json();
  const text = await answer.text();
  let said = text;
  try { said = JSON.parse(text).detail; } catch { /* plain text */ }
  if (Array.isArray(said)) said = said.map((one) => `${one.loc?.at(-1) ?? "the question"}: ${one.msg}`).join("; ");
  throw new Trouble(answer.status, typeof said === "string" ? said : "The question was refused.");
}

/** Hear what is new. `heard` has a function for each event; `lost` and `back` tell of the connection. */
export function listen(params, heard, { lost, back }) {
  let source = null, wasLost = false, closed = false, timer = 0;
  const open = () => {
    source = new EventSource(address("stream", params));
    source.addEventListener("hello", () => { if (wasLost) { wasLost = false; back(); } });
    for (const [name, hear] of Object.entries(heard)) source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
    source.onerror = () => {
      if (closed) return;
      if (!wasLost) { wasLost = true; lost(); }
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 2000);
    };
  };
  open();
  return () => { closed = true; clearTimeout(timer); source.close(); };
}

let dictionary = null;
export const metrics = () => (dictionary ??= ask("metrics").catch(() => { dictionary = null; return {}; }));
