// Asking the server, and hearing from it what is new.

class Trouble extends Error {
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

const UNSEEN_MS = 20_000;

/** Hear what is new. `heard` has a function for each event; `lost` and `back` tell of the connection.
 *  A page that nobody has seen for a while hears nothing, and catches up when it is looked at: a browser has six
 *  connections to a server, and people have more than six pages open.
 */
export function listen(params, heard, { lost, back }) {
  let source = null, wasLost = false, closed = false, asleep = false, timer = 0, dozing = 0;
  const open = () => {
    source = new EventSource(address("stream", params));
    source.addEventListener("hello", () => { if (wasLost) { wasLost = false; back(); } });
    for (const [name, hear] of Object.entries(heard)) source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
    source.onerror = () => {
      if (closed || asleep) return;
      if (!wasLost) { wasLost = true; lost(); }
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, 2000);
    };
  };
  const seen = () => {
    clearTimeout(dozing);
    if (document.hidden) dozing = setTimeout(() => { asleep = true; clearTimeout(timer); source.close(); }, UNSEEN_MS);
    else if (asleep) { asleep = false; wasLost = true; open(); }
  };
  document.addEventListener("visibilitychange", seen);
  open();
  return () => { closed = true; clearTimeout(timer); clearTimeout(dozing); document.removeEventListener("visibilitychange", seen); source.close(); };
}
