// Small signs that several pages share: status, health, sparkline, bars.

import { h, svg } from "./dom.js";
import { ABSENT, nums, number, percent } from "./format.js";

const GLYPH = { running: "●", completed: "✓", failed: "✕", crashed: "✕", paused: "❚❚", preempted: "⏏", stalled: "◌" };

/** A row or a header of the API, with the facts of its overview at hand. */
export const withFacts = (entry) => ({ ...entry.overview.state, ...entry.overview, ...entry });

export const status = (name, reason) =>
  h("span", { class: "status", "data-status": name, title: reason ?? null }, h("span", { "aria-hidden": "true" }, GLYPH[name] ?? "•"), ` ${name}`);

export function findingDots(tally, notFinite, judged) {
  const parts = [["critical", tally.critical], ["warning", tally.warning], ["info", tally.info]].filter(([, n]) => n);
  if (notFinite && !tally.critical) parts.unshift(["critical", `${number(notFinite)} not finite`]);
  if (!parts.length) return h("span", { class: "muted" }, judged ? "none" : "not judged");
  return h("span", { class: "dots" }, parts.map(([severity, n]) => h("span", { class: "dot-count", "data-severity": severity }, typeof n === "string" ? n : `${n} ${severity}`)));
}

export function sparkline(raw, label) {
  const values = nums([...raw]);
  const finite = values.filter(Number.isFinite);
  const box = svg("svg", { class: "spark", viewBox: "0 0 120 28", preserveAspectRatio: "none", role: "img", "aria-label": label });
  if (!finite.length) return box;
  const low = Math.min(...finite), high = Math.max(...finite), reach = high - low || 1;
  const x = (i) => (values.length < 2 ? 60 : 2 + (116 * i) / (values.length - 1));
  const y = (v) => 25 - (22 * (v - low)) / reach;
  let path = "", pen = false;
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) { pen = false; box.append(svg("line", { x1: x(i), x2: x(i), y1: 2, y2: 26, class: "spark-bad" })); return; }
    path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = true;
  });
  box.append(svg("path", { d: path, class: "spark-line" }));
  return box;
}

/** A score of 0 to 100 as a ring. */
export function ring(score, state) {
  const name = score === null ? "Health: not judged" : `Health ${score} of 100`;
  const length = 2 * Math.PI * 20;
  return svg("svg", { class: "ring", viewBox: "0 0 48 48", role: "img", "aria-label": name, "data-status": state },
    svg("circle", { cx: 24, cy: 24, r: 20, class: "ring-back" }),
    score === null ? null : svg("circle", { cx: 24, cy: 24, r: 20, class: "ring-front", "stroke-dasharray": `${(length * score) / 100} ${length}`, transform: "rotate(-90 24 24)" }),
    svg("text", { x: 24, y: 29, "text-anchor": "middle" }, score === null ? ABSENT : String(score)));
}

export const progress = (share) =>
  h("span", { class: "progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * share), "aria-label": "Progress" },
    h("span", { css: { width: `${100 * share}%` } }));

/** Bars with intervals: rows of {name, value, low, high, note}; shares of one. */
export function intervalBars(rows, caption) {
  return h("table", { class: "bars" }, h("caption", { class: "hidden" }, caption), h("tbody", {}, rows.map((row) =>
    h("tr", {}, h("th", { scope: "row", title: row.name }, row.name),
      h("td", { class: "bar-cell" }, bar(row)),
      h("td", { class: "num" }, row.text ?? percent(row.value), row.note ? h("span", { class: "muted" }, ` ${row.note}`) : null)))));
}
function bar({ value, low, high, tone }) {
  const at = (share) => 200 * Math.max(0, Math.min(1, share ?? 0));
  const box = svg("svg", { viewBox: "0 0 200 18", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x: 0, y: 4, width: 200, height: 10, rx: 2, class: "bar-back" }),
    svg("rect", { x: 0, y: 4, width: at(value), height: 10, rx: 2, class: tone ? `bar-front ${tone}` : "bar-front" }));
  if (low !== null && low !== undefined && high !== null && high !== undefined) {
    box.append(svg("line", { x1: at(low), x2: at(high), y1: 9, y2: 9, class: "bar-whisker" }),
      ...[low, high].map((end) => svg("line", { x1: at(end), x2: at(end), y1: 5, y2: 13, class: "bar-whisker" })));
  }
  return box;
}
