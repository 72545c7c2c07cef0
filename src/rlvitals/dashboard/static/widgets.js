// What every page is built from: cards, tables, tabs, buttons, choices, and what stands where there is nothing.

import { unlessAborted } from "./api.js";
import { h, put, refill } from "./dom.js";
import { count } from "./format.js";

export const empty = (...text) => h("p", { class: "empty" }, text);
export const hint = (...text) => h("span", { class: "muted small" }, text);
export const small = (...text) => (text.flat().some(Boolean) ? h("div", { class: "muted small" }, text) : null);
export const grow = () => h("span", { class: "grow" });
export const swatch = (color) => h("i", { class: "swatch", css: { background: color?.css ?? "transparent" } });
export const button = (text, onclick, props) => h("button", { type: "button", class: "button", onclick, ...props }, text);
/** A name with its colour, which stays next to it. */
export const named = (color, name) => h("span", { class: "named" }, swatch(color), h("span", {}, name));

export const runHref = (key) => `/run?run=${encodeURIComponent(key)}`;
export const runLink = (key) => h("a", { href: runHref(key), "data-nav": true }, key);

/** A part of a page with its heading, which `more` stands next to. */
export const card = (heading, more, ...body) => h("section", { class: "card" }, h("header", {}, h("h2", {}, heading), more), body);

export const bullets = (sentences) => h("ul", { class: "said" }, sentences.map((one) => h("li", {}, one)));

/** A table. A column is [title, cell(row), alignment, class(row)]; the first column names the row.
 *  `tone` gives the class of a row; beyond `most` rows there is a count of the rest.
 */
export function table(columns, rows, { kind = "", tone = () => null, most = rows.length } = {}) {
  const kept = columns.filter(Boolean), left = rows.length - most;
  const head = kept.map(([title, , align]) => h("th", { scope: "col", class: align }, title));
  const line = (row) => h("tr", { class: tone(row) }, kept.map(([, cell, align, shade], i) =>
    h(i ? "td" : "th", { scope: i ? null : "row", class: [align, shade?.(row)].filter(Boolean).join(" ") }, cell(row))));
  return [h("div", { class: "table-box" }, h("table", { class: `plain ${kind}` },
    kept.some(([title]) => title) ? h("thead", {}, h("tr", {}, head)) : null,
    h("tbody", {}, rows.slice(0, most).map(line)))), left > 0 ? h("p", { class: "muted small" }, `${count(left)} more: the JSON has all.`) : null];
}

export function select(label, options, value, onchange) {
  const box = h("select", { "aria-label": label, onchange: () => onchange(box.value) },
    options.map(([key, text]) => h("option", { value: key }, text)));
  box.value = value;
  return box;
}

/** A field that a list is filtered by, as one types. */
export const filterField = (label, oninput) => h("input", { type: "search", placeholder: label, "aria-label": label, oninput });

export const checkbox = (text, checked, onchange) =>
  h("label", {}, h("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) }), " ", text);

/** Tabs of which one is chosen, by click or by arrow keys. `draw` takes rows of [name, text, more]. */
export function tabList(label, panel, choose) {
  const element = h("div", { class: "tabs", role: "tablist", "aria-label": label, onkeydown: (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], all = [...element.children], at = all.indexOf(document.activeElement);
    if (step && at >= 0) all[(at + step + all.length) % all.length].click();
  } });
  const tab = ([name, text, more], chosen) => h("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": panel.id, "aria-selected": String(chosen), tabindex: chosen ? 0 : -1,
    onclick: () => { choose(name); document.getElementById(`tab-${name}`)?.focus(); },
  }, text, more ? h("span", { class: "muted" }, ` ${more}`) : null);
  const draw = (tabs, current) => {
    refill(element, tabs.map((one) => tab(one, one[0] === current)));
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${current}`);
  };
  return { element, draw };
}

/** Show an answer in a box, or why there is none; `waiting` stands there until then. */
export function answered(box, question, show, waiting = "") {
  if (waiting) put(box, empty(waiting));
  return question.then(show).catch(unlessAborted((error) => put(box, empty(error.message))));
}

/** A tab of a run that asks one question: again when the view changes (`always`) or there may be another answer. */
export function answerTab(panel, waiting, question, show, always = false) {
  const load = (text) => answered(panel, question(), show, text);
  load(waiting);
  return { load: () => load(), refresh: (again) => { if (again || always) load(); } };
}

/** What could not be opened, with the reasons. */
export const refusals = (refused, heading, most = refused.length) => (refused.length ? h("details", { class: "card refused" }, h("summary", {}, heading),
  h("ul", {}, refused.slice(0, most).map((one) => h("li", {}, h("b", {}, one.key ?? one.path), ": ", one.reason)))) : null);
