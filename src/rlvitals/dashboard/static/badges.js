// Small signs that several pages share: status, findings, sparkline, health, progress.

import { h, svg } from "./dom.js";
import { ABSENT, nums, number } from "./format.js";
import { ends, scaler } from "./scale.js";

const GLYPH = { running: "●", completed: "✓", failed: "✕", crashed: "✕", paused: "❚❚", preempted: "⏏", stalled: "◌" };

/** A row or a header of the API, with the facts of its overview at hand. */
export const withFacts = (entry) => ({ ...entry.overview.state, ...entry.overview, ...entry.shown, ...entry });

export const status = (name, reason) => h("span", { class: "status", "data-status": name, title: reason },
  h("span", { "aria-hidden": "true" }, GLYPH[name] ?? "•"), ` ${name}`);

export function findingDots(tally, notFinite, judged) {
  const parts = ["critical", "warning", "info"].filter((name) => tally[name]).map((name) => [name, `${tally[name]} ${name}`]);
  if (notFinite && !tally.critical) parts.unshift(["critical", `${number(notFinite)} not finite`]);
  if (!parts.length) return h("span", { class: "muted" }, judged ? "none" : "not judged");
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

/** A score of 0 to 100 as a ring. */
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
