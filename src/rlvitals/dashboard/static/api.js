// Asking the server, and hearing from it what is new.

class RequestError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

/** Put values into a query: each of a list, and none for what is absent. */
export function fillQuery(query, params) {
  for (const [name, value] of Object.entries(params)) {
    query.delete(name);
    for (const one of [value].flat()) if (one != null && one !== "") query.append(name, one);
  }
  return query.toString() && `?${query}`;
}

export const address = (path, params = {}) => `/api/v1/${path}${fillQuery(new URLSearchParams(), params)}`;

/** What is done about an error, unless it is that nobody waits for the answer any more. */
export const unlessAborted = (act) => (error) => { if (error.name !== "AbortError") act(error); };

export async function ask(path, params, signal) {
  let answer;
  try {
    answer = await fetch(address(path, params), { signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "The server does not answer.");
  }
  if (answer.ok) return answer.json();
  let said = await answer.text();
  try { said = JSON.parse(said).detail; } catch { /* plain text */ }
  if (Array.isArray(said)) said = said.map((one) => `${one.loc?.at(-1) ?? "the question"}: ${one.msg}`).join("; ");
  throw new RequestError(answer.status, typeof said === "string" ? said : "The question was refused.");
}

const HIDDEN_MS = 20_000, RETRY_MS = 2000;

/** Hear what is new. `heard` has a function for each event; `lost` and `back` tell of the connection.
 *  A page that is hidden for a while disconnects, and catches up when it is shown: a browser has six connections to a
 *  server, and people have more than six pages open.
 */
export function listen(params, heard, { lost, back }) {
  let source = null, isLost = false, closed = false, asleep = false, retry = 0, sleep = 0;
  const open = () => {
    source = new EventSource(address("stream", params));
    source.addEventListener("hello", () => { if (isLost) { isLost = false; back(); } });
    for (const [name, hear] of Object.entries(heard)) source.addEventListener(name, (event) => hear(JSON.parse(event.data)));
    source.onerror = () => {
      if (closed || asleep) return;
      if (!isLost) { isLost = true; lost(); }
      if (source.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    };
  };
  const stop = () => { clearTimeout(retry); source.close(); };
  const seen = () => {
    clearTimeout(sleep);
    if (document.hidden) sleep = setTimeout(() => { asleep = true; stop(); }, HIDDEN_MS);
    else if (asleep) { asleep = false; isLost = true; open(); }
  };
  document.addEventListener("visibilitychange", seen);
  open();
  return () => { closed = true; clearTimeout(sleep); stop(); document.removeEventListener("visibilitychange", seen); };
}
