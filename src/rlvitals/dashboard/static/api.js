// Requests to the server, and the stream of changes from it.

class RequestError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

/** Set the parameters of a query: a list sets several values, an empty value removes the parameter. */
export function fillQuery(query, params) {
  for (const [name, value] of Object.entries(params)) {
    query.delete(name);
    for (const one of [value].flat()) if (one != null && one !== "") query.append(name, one);
  }
  return query.toString() && `?${query}`;
}

export const address = (path, params = {}) => `/api/v1/${path}${fillQuery(new URLSearchParams(), params)}`;

/** Return an error handler that ignores aborted requests. */
export const unlessAborted = (act) => (error) => { if (error.name !== "AbortError") act(error); };

export async function ask(path, params, signal) {
  let answer;
  try {
    answer = await fetch(address(path, params), { signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError(0, "The server does not respond.");
  }
  if (answer.ok) return answer.json();
  let said = await answer.text();
  try { said = JSON.parse(said).detail; } catch { /* plain text */ }
  if (Array.isArray(said)) said = said.map((one) => `${one.loc?.at(-1) ?? "request"}: ${one.msg}`).join("; ");
  throw new RequestError(answer.status, typeof said === "string" ? said : `The request failed with status ${answer.status}.`);
}

const HIDDEN_MS = 20_000, RETRY_MS = 2000;

/** Listen to the stream of changes. `heard` has a handler per event; `lost` and `back` report the connection.
 *  A page that is hidden for a while disconnects and resyncs when it is shown again, because a browser opens at most six
 *  connections to a server and users can have more pages open.
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
