// Creation of elements without HTML strings, so that recorded names are always text.

const SVG = "http://www.w3.org/2000/svg";

/** Invisible characters that affect the display: control characters except tab and line feed, and direction marks. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escape = (sign) => (sign <= "\u00ff" ? "\\x" : "\\u") + sign.charCodeAt(0).toString(16).padStart(sign <= "\u00ff" ? 2 : 4, "0");

/** Replace these characters with escapes, as in the terminal: `\x1b`, `\u202e`. */
export const clean = (text) => text.replace(UNSEEN, escape);

const shown = (children) => children.flat(Infinity).filter((child) => child != null && child !== false)
  .map((child) => (typeof child === "string" ? clean(child) : child));

const TEXTS = new Set(["title", "aria-label"]), PROPERTIES = new Set(["value", "checked", "disabled"]);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "css") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (PROPERTIES.has(name)) element[name] = value;
    else element.setAttribute(name, value === true ? "" : TEXTS.has(name) ? clean(String(value)) : value);
  }
  element.append(...shown(children));
  return element;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);

export function put(parent, ...children) {
  parent.replaceChildren(...shown(children));
  return parent;
}

/** Return a function that restores the focus in a part of a page, also if its controls have been recreated. */
export function keptFocus(part) {
  const at = document.activeElement;
  if (!part.contains(at)) return () => {};
  const nameOf = (one) => {
    const { run, code } = one.closest("[data-run], [data-code]")?.dataset ?? {};
    return [run ?? code, one.dataset.status, one.id || one.getAttribute("aria-label")].join();
  };
  const name = nameOf(at), alike = () => [...part.querySelectorAll(at.localName)].filter((one) => nameOf(one) === name), place = alike().indexOf(at);
  return () => (part.contains(at) ? at : alike()[place])?.focus({ preventScroll: true });
}

/** Replace the contents of a part of a page and restore the focus. */
export function refill(parent, ...children) {
  const refocus = keptFocus(parent);
  put(parent, ...children);
  refocus();
}

/** Resize a canvas and return its context, scaled to the pixel density of the screen. */
export function contextOf(canvas, width, height, dense = devicePixelRatio || 1) {
  [canvas.width, canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
  const context = canvas.getContext("2d");
  context.scale(dense, dense);
  return context;
}

export function download(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Create a button that opens a small card. Escape or a click outside closes the card. */
export function tip(label, content) {
  const button = h("button", { type: "button", class: "tip", "aria-label": label }, "i");
  const card = h("div", { class: "card-tip", popover: "auto", role: "note", onbeforetoggle: ({ newState }) => {
    const { left, bottom } = button.getBoundingClientRect();
    if (newState === "open") put(card, content());
    Object.assign(card.style, { left: `max(8px, min(${left}px, 100vw - 400px))`, top: `${bottom + scrollY + 6}px` });
  } });
  button.popoverTargetElement = card;
  return [button, card];
}

/** Read or write a value in local storage; return null if storage is unavailable. */
export function stored(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch { return null; }
}
