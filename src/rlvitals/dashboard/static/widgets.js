// Building blocks of the pages: cards, tables, tabs, buttons, selects, status labels, health rings and sparklines.

import { unlessAborted } from "./api.js";
import { h, put, refill, svg } from "./dom.js";
import { ABSENT, count, nums } from "./format.js";
import { ends, scaler } from "./scale.js";

export const empty = (...text) => h("p", { class: "empty" }, text);
export const hint = (...text) => h("span", { class: "muted small" }, text);
export const small = (...text) => (text.flat().some(Boolean) ? h("div", { class: "muted small" }, text) : null);
export const grow = () => h("span", { class: "grow" });
export const swatch = (color) => h("i", { class: "swatch", css: { background: color?.css ?? "transparent" } });
export const button = (text, onclick, props) => h("button", { type: "button", class: "button", onclick, ...props }, text);
/** A name with its colour swatch, kept on one line. */
export const named = (color, name) => h("span", { class: "named" }, swatch(color), h("span", {}, name));

export const runHref = (key) => `/run?run=${encodeURIComponent(key)}`;
export const runLink = (key) => h("a", { href: runHref(key), "data-nav": true }, key);

/** A section of a page; `more` is placed next to its heading. */
export const card = (heading, more, ...body) => h("section", { class: "card" }, h("header", {}, h("h2", {}, heading), more), body);

export const bullets = (sentences) => h("ul", { class: "said" }, sentences.map((one) => h("li", {}, one)));

/** A table. A column is [title, cell(row), alignment, class(row)]; the first column is the row header.
 *  `tone` returns the class of a row. Rows beyond `most` are only counted.
 */
export function table(columns, rows, { kind = "", tone = () => null, most = rows.length } = {}) {
  const kept = columns.filter(Boolean), left = rows.length - most;
  const head = kept.map(([title, , align]) => h("th", { scope: "col", class: align }, title));
  const line = (row) => h("tr", { class: tone(row) }, kept.map(([, cell, align, shade], i) =>
    h(i ? "td" : "th", { scope: i ? null : "row", class: [align, shade?.(row)].filter(Boolean).join(" ") }, cell(row))));
  return [h("div", { class: "table-box" }, h("table", { class: `plain ${kind}` },
    kept.some(([title]) => title) ? h("thead", {}, h("tr", {}, head)) : null,
    h("tbody", {}, rows.slice(0, most).map(line)))), left > 0 ? h("p", { class: "muted small" }, `${count(left)} more rows are in the JSON.`) : null];
}

export function select(label, options, value, onchange) {
  const box = h("select", { "aria-label": label, onchange: () => onchange(box.value) },
    options.map(([key, text]) => h("option", { value: key }, text)));
  box.value = value;
  return box;
}

/** A search field that filters a list. */
export const filterField = (label, oninput) => h("input", { type: "search", placeholder: label, "aria-label": label, oninput });

export const checkbox = (text, checked, onchange) =>
  h("label", {}, h("input", { type: "checkbox", checked, onchange: (event) => onchange(event.target.checked) }), " ", text);

/** Tabs, selected with a click or the arrow keys. `draw` takes rows of [name, text, more]. */
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

/** Show an answer or its error in a box, with `waiting` as a placeholder. */
export function answered(box, question, show, waiting = "") {
  if (waiting) put(box, empty(waiting));
  return question.then(show).catch(unlessAborted((error) => put(box, empty(error.message))));
}

/** A tab with one request, repeated when the data or, with `always`, the view changes. */
export function answerTab(panel, waiting, question, show, always = false) {
  const load = (text) => answered(panel, question(), show, text);
  load(waiting);
  return { load: () => load(), refresh: (again) => { if (again || always) load(); } };
}

/** List of the folders that could not be opened, with the reasons. */
export const refusals = (refused, heading, most = refused.length) => (refused.length ? h("details", { class: "card refused" }, h("summary", {}, heading),
  h("ul", {}, refused.slice(0, most).map((one) => h("li", {}, h("b", {}, one.key ?? one.path), ": ", one.reason)))) : null);

/** Placeholder for a run that is not assessed yet. */
export const UNKNOWN = "…";

const GLYPH = { running: "●", completed: "✓", failed: "✕", crashed: "✕", paused: "❚❚", preempted: "⏏", stalled: "◌" };

/** Merge the fields of the overview into a row or header of the API. */
export const withFacts = (entry) => ({ ...entry.overview.state, ...entry.overview, ...entry });

export const status = (name, reason) => h("span", { class: "status", "data-status": name, title: reason },
  h("span", { "aria-hidden": "true" }, GLYPH[name] ?? "•"), ` ${name}`);

/** Number of findings of a row by severity. Non-finite rewards are shown until a finding reports them. */
export function findingDots({ findings: tally, not_finite: bad, is_judged: judged, health }) {
  const parts = ["critical", "warning", "info"].filter((name) => tally[name]).map((name) => [name, `${tally[name]} ${name}`]);
  if (bad && !parts.length) parts.push(["critical", `${count(bad)} non-finite in the run`]);
  if (!parts.length) return h("span", { class: "muted" }, health === null ? UNKNOWN : judged ? "none" : "not judged");
  return h("span", { class: "dots" }, parts.map(([severity, text]) => h("span", { class: "dot-count", "data-severity": severity }, text)));
}

export function sparkline(raw, label) {
  const values = nums([...raw]), [low, high] = ends(values), last = values.length - 1;
  const box = svg("svg", { class: "spark", viewBox: "0 0 120 28", preserveAspectRatio: "none", role: "img", "aria-label": label });
  if (!(low <= high)) return box;
  const x = (i) => (last ? 2 + (116 * i) / last : 60), y = scaler(low, high, 25, high > low ? 3 : 25);
  let path = "", pen = "M";
  values.forEach((value, i) => {
    if (Number.isFinite(value)) path += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    else box.append(svg("line", { x1: x(i), x2: x(i), y1: 2, y2: 26, class: "spark-bad" }));
    pen = Number.isFinite(value) ? "L" : "M";
  });
  box.append(svg("path", { d: path, class: "spark-line" }));
  return box;
}

/** A health score (0 to 100) as a ring. */
export function ring(score, state) {
  const name = score === null ? "Health: not judged" : `Health ${score} of 100`, length = 2 * Math.PI * 20;
  const circle = (kind, more) => svg("circle", { cx: 24, cy: 24, r: 20, class: kind, ...more });
  return svg("svg", { class: "ring", viewBox: "0 0 48 48", role: "img", "aria-label": name, "data-status": state }, circle("ring-back"),
    score === null ? null : circle("ring-front", { "stroke-dasharray": `${(length * score) / 100} ${length}`, transform: "rotate(-90 24 24)" }),
    svg("text", { x: 24, y: 29, "text-anchor": "middle" }, score === null ? ABSENT : String(score)));
}

export const progress = (share) => h("span", {
  class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * share),
  "aria-label": "Progress" }, h("span", { css: { width: `${100 * share}%` } }));
