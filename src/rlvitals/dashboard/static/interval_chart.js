// Estimates with their intervals on a common scale, and every run as a dot.

import { h, svg } from "./dom.js";
import { count, number, short } from "./format.js";
import { ticks } from "./svg_context.js";

const MOST_ROWS = 40, FAR = 4;

const NONE = { estimate: null, low: null, high: null };

/** Each group's runs as dots, with their mean and its interval; of one environment, where there are several. */
export function outcomes(found, tint, task = null) {
  const of = new Map(found.groups.map((group) => [group.name, []]));
  for (const run of found.runs) { if (task !== null && run.task !== task) continue; const value = run.outcomes[found.statistic]; if (value !== undefined) of.get(run.group)?.push({ value, run }); }
  const groups = found.groups.slice(0, MOST_ROWS), values = groups.flatMap((group) => of.get(group.name)).map((one) => one.value);
  const meanOf = (group) => (task === null ? group.estimates[found.statistic].mean : average(of.get(group.name).map((one) => one.value)));
  const scale = spanning(values, groups.map(meanOf).flatMap(({ low, high }) => [low, high]));
  const rows = groups.map((group) => {
    const mean = meanOf(group), dots = of.get(group.name), lost = group.worst && task === null ? `${group.worst} without outcome` : "";
    const drawing = frame(scale, `${group.name}: ${dots.length} runs, mean ${number(mean.estimate)}`);
    whisker(drawing, scale, mean, "mean-whisker");
    for (const { value, run } of dots) drawing.append(svg("circle", { cx: scale.at(value), cy: 13, r: dots.length > 60 ? 2.5 : 4, class: "dot" }, svg("title", {}, `${run.run}: ${number(value)}`)));
    drawing.style.setProperty("--tint", tint.get(group.name).css);
    return h("tr", {}, name(group.name, tint), h("td", { class: "bar-cell" }, drawing), h("td", { class: "num" }, number(mean.estimate), h("div", { class: "muted small" }, lost || (dots.length === 1 ? "1 run" : `${count(dots.length)} runs`))));
  });
  return card(`What each run came to${task ? ` on ${task}` : ""}`, task === null ? "Each dot is a run; the bar is the mean with its 95 % interval." : "Each dot is a run, the line their mean.", rows, scale, found.groups.length - groups.length);
}

/** Each comparison's difference, with its interval, around zero. */
export function differences(found, tint, task = null) {
  const known = found.comparisons.filter((one) => one.difference.estimate !== null && (task === null || one.task === task)), shown = known.slice(0, MOST_ROWS);
  if (!shown.length) return null;
  const reach = FAR * Math.max(...shown.map((one) => Math.abs(one.difference.estimate)));
  const scale = spanning([0, ...shown.map((one) => one.difference.estimate)], shown.flatMap((one) => [one.difference.low, one.difference.high]), reach || Infinity);
  const rows = shown.map((one) => {
    const { estimate, low, high } = one.difference, drawing = frame(scale, `${one.group} less ${one.baseline}: ${number(estimate)}, ${number(low)} to ${number(high)}`);
    drawing.append(svg("line", { x1: scale.at(0), x2: scale.at(0), y1: 0, y2: 26, class: "zero" }));
    whisker(drawing, scale, one.difference, "bar-whisker");
    drawing.append(svg("circle", { cx: scale.at(estimate), cy: 13, r: 4.5, class: "dot" }));
    drawing.style.setProperty("--tint", tint.get(one.group).css);
    return h("tr", {}, name(one.group, tint, `${found.comparisons.some((other) => other.baseline !== one.baseline) ? ` less ${one.baseline}` : ""}`), h("td", { class: "bar-cell" }, drawing),
      h("td", { class: "num" }, estimate > 0 ? "+" : "", number(estimate), h("div", { class: "muted small" }, low === null ? "no interval" : `${number(low)} to ${number(high)}`)));
  });
  return card(`Difference to ${new Set(shown.map((one) => one.baseline)).size === 1 ? shown[0].baseline : "the baseline"}${task ? ` on ${task}` : ""}`, "Intervals at the level of the verdicts; one that leaves zero out shows a difference, before other comparisons are taken into account.", rows, scale, known.length - shown.length);
}

function average(values) {
  return values.length ? { ...NONE, estimate: values.reduce((sum, value) => sum + value / values.length, 0) } : NONE;
}

function name(text, tint, more = "") {
  return h("th", { scope: "row", title: text }, h("i", { class: "swatch", css: { background: tint.get(text).css } }), text, more ? h("span", { class: "muted" }, more) : null);
}

function card(heading, hint, rows, scale, left) {
  const axis = h("tr", { class: "axis" }, h("td", {}), h("td", { class: "bar-cell" }, ruler(scale)), h("td", {}));
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, heading)), h("table", { class: "bars intervals" }, h("caption", { class: "hidden" }, heading), h("tbody", {}, rows, axis)),
    h("p", { class: "muted small" }, hint, left > 0 ? ` ${count(left)} more are not shown.` : ""));
}

/** A scale over some values; the ends of intervals widen it, but not beyond `reach`, nor by more than twice its width. */
function spanning(values, ends, reach = Infinity) {
  const finite = values.filter(Number.isFinite);
  let low = Math.min(...finite), high = Math.max(...finite);
  if (!(low <= high)) [low, high] = [0, 1];
  const width = high - low || Math.abs(high) || 1, most = Math.min(reach, 2 * width);
  for (const end of ends) if (Number.isFinite(end)) { low = Math.min(low, Math.max(end, Math.min(...finite) - most)); high = Math.max(high, Math.min(end, Math.max(...finite) + most)); }
  const pad = (high - low || width) * 0.06;
  low -= pad; high += pad;
  return { low, high, share: (v) => (v - low) / (high - low), at: (v) => `${(100 * Math.max(0, Math.min(1, (v - low) / (high - low)))).toFixed(2)}%` };
}

function frame(scale, label) { return svg("svg", { class: "whisker", height: 26, width: "100%", role: "img", "aria-label": label }); }

function whisker(drawing, scale, { estimate, low, high }, kind) {
  if (low !== null && high !== null) {
    drawing.append(svg("line", { x1: scale.at(low), x2: scale.at(high), y1: 13, y2: 13, class: kind }));
    for (const end of [low, high]) drawing.append(scale.share(end) >= 0 && scale.share(end) <= 1 ? svg("line", { x1: scale.at(end), x2: scale.at(end), y1: 8, y2: 18, class: kind }) : svg("text", { x: scale.at(end), y: 17, "text-anchor": scale.share(end) < 0 ? "start" : "end", class: "beyond" }, scale.share(end) < 0 ? "◂" : "▸"));
  }
  if (estimate !== null && kind === "mean-whisker") drawing.append(svg("line", { x1: scale.at(estimate), x2: scale.at(estimate), y1: 2, y2: 24, class: kind }));
}

function ruler(scale) {
  const drawing = svg("svg", { class: "whisker", height: 16, width: "100%", "aria-hidden": "true" });
  for (const at of ticks(scale.low, scale.high, 4)) drawing.append(svg("text", { x: scale.at(at), y: 12, "text-anchor": scale.share(at) < 0.04 ? "start" : scale.share(at) > 0.96 ? "end" : "middle", class: "tick" }, short(at)));
  return drawing;
}
