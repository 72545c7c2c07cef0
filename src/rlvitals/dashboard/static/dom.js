// Elements, made without a word of HTML: whatever a run is called, it is text.

const SVG = "http://www.w3.org/2000/svg";

/** Characters that cannot be seen but steer what is: controls but for tabs and line breaks, and marks that turn the direction of writing. */
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const escape = (sign) => (sign <= "\u00ff" ? `\\x${sign.charCodeAt(0).toString(16).padStart(2, "0")}` : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A text with these as escapes, as in the terminal: `\x1b`, `\u202e`. */
export const clean = (text) => text.replace(UNSEEN, escape);

const shown = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false).map((child) => (typeof child === "string" ? clean(child) : child));

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.setAttribute("class", value);
    else if (name === "css") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : name === "title" || name === "aria-label" ? clean(String(value)) : value);
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

export function select(label, options, value, onchange) {
  const box = h("select", { "aria-label": label, onchange: () => onchange(box.value) },
    options.map(([key, text]) => h("option", { value: key }, text)));
  box.value = value;
  return box;
}

export function download(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

let tipOpen = null;
/** A button that tells more in a small card; Escape or a click elsewhere closes it. */
export function tip(label, content) {
  const button = h("button", { type: "button", class: "tip", "aria-label": label, "aria-expanded": "false" }, "i");
  const close = () => {
    button.nextElementSibling?.classList.contains("card-tip") && button.nextElementSibling.remove();
    button.setAttribute("aria-expanded", "false");
    tipOpen = null;
  };
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    const mine = tipOpen === close;
    tipOpen?.();
    if (mine) return;
    const card = h("div", { class: "card-tip", role: "note" }, content());
    button.after(card);
    button.setAttribute("aria-expanded", "true");
    const over = card.getBoundingClientRect().right - document.documentElement.clientWidth + 12;
    if (over > 0) card.style.marginLeft = `${-over}px`;
    tipOpen = close;
  });
  return button;
}
document.addEventListener("click", (event) => { if (!event.target.closest?.(".card-tip")) tipOpen?.(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") tipOpen?.(); });
