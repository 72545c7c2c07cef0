// Charts of estimates with intervals on a common scale, with each run as a dot.

import { h, svg } from "./dom.js";
import { count, interval, number, percent, short } from "./format.js";
import { clamp, ends, ticks } from "./scale.js";
import { card, small, swatch } from "./widgets.js";

const MOST_ROWS = 40, MANY_DOTS = 60, FAR = 4, TALL = 20, MIDDLE = TALL / 2;

const line = (x1, x2, y1, y2, kind) => svg("line", { x1, x2, y1, y2, class: kind });
const upright = (at, size, kind) => line(at, at, MIDDLE - size, MIDDLE + size, kind);
const frame = (label, tint, ...parts) =>
  svg("svg", { class: "whisker", height: TALL, width: "100%", role: "img", "aria-label": label, css: { "--tint": tint } }, parts);
const row = (name, title, drawing, ...value) =>
  h("tr", {}, h("th", { scope: "row", title }, name), h("td", { class: "bar-cell" }, drawing), h("td", { class: "num" }, value));
const bars = (caption, rows, kind = "") =>
  h("table", { class: `bars ${kind}` }, h("caption", { class: "hidden" }, caption), h("tbody", {}, rows));

function scaleOf(low, high) {
  const share = (v) => (v - low) / (high - low);
  return { low, high, share, at: (v) => `${(100 * clamp(share(v), 0, 1)).toFixed(2)}%` };
}

/** Scale over values. The ends of intervals widen it by at most `reach` and at most twice its width. */
function spanning(values, intervals, reach = Infinity) {
  let [low, high] = ends(values);
  if (!(low <= high)) [low, high] = [0, 1];
  const width = high - low || Math.abs(high) || 1, most = Math.min(reach, 2 * width);
  const [least, largest] = ends(intervals.flatMap((one) => [one.low, one.high]).filter(Number.isFinite).map((end) => clamp(end, low - most, high + most)));
  [low, high] = [Math.min(low, least), Math.max(high, largest)];
  const pad = (high - low || width) * 0.06;
  return scaleOf(low - pad, high + pad);
}

/** Draw an interval; an end outside the scale is an arrow. */
function whisker(scale, { low, high }, kind) {
  if (low == null || high == null) return null;
  const arrow = (at, beyond) =>
    svg("text", { x: at, y: 14, "text-anchor": beyond < 0 ? "start" : "end", class: "beyond" }, beyond < 0 ? "◂" : "▸");
  const end = (value) => {
    const share = scale.share(value), beyond = share < 0 ? -1 : share > 1 ? 1 : 0, at = scale.at(value);
    return beyond ? arrow(at, beyond) : upright(at, 4, kind);
  };
  return [line(scale.at(low), scale.at(high), MIDDLE, MIDDLE, kind), end(low), end(high)];
}

/** Draw shares (0 to 1) as bars: rows of {name, estimate, low, high, note, tone}. */
export function shareBars(caption, rows) {
  const scale = scaleOf(0, 1), rect = (width, kind) => svg("rect", { x: 0, y: 5, width, height: 10, rx: 2, class: kind });
  return bars(caption, rows.map(({ name, estimate, note = "", tone = "", ...range }) => row(name, name,
    frame(`${name}: ${percent(estimate)}`, "var(--text)", rect("100%", "bar-back"), rect(scale.at(estimate ?? 0), `bar-front ${tone}`),
      whisker(scale, range, "bar-whisker")),
    percent(estimate), note && h("span", { class: "muted" }, ` ${note}`))));
}

/** Draw the runs of each group as dots, with the mean and its interval, for one or all environments. */
export function outcomes(found, tint, task = null) {
  const runs = found.runs.filter((run) => (task === null || run.task === task) && run.outcomes[found.statistic] !== undefined);
  const valueOf = (run) => run.outcomes[found.statistic], mean = (all) => ({ estimate: all.length ? all.reduce((sum, v) => sum + v / all.length, 0) : null });
  const rows = found.groups.slice(0, MOST_ROWS).map((group) => {
    const own = runs.filter((run) => run.group === group.name);
    return { group, own, mean: task === null ? group.estimates[found.statistic].mean : mean(own.map(valueOf)) };
  });
  const scale = spanning(rows.flatMap(({ own }) => own.map(valueOf)), rows.map((one) => one.mean));
  const dot = (run, many) => svg("circle", { cx: scale.at(valueOf(run)), cy: MIDDLE, r: many ? 2.5 : 4, class: "dot" },
    svg("title", {}, `${run.run}: ${number(valueOf(run))}`));
  const drawn = rows.map(({ group, own, mean }) => {
    const said = group.worst && task === null ? `${group.worst} without outcome` : `${count(own.length)} ${own.length === 1 ? "run" : "runs"}`;
    const label = `${group.name}: ${own.length} runs, mean ${number(mean.estimate)}`, color = tint.get(group.name);
    return row([swatch(color), group.name], group.name, frame(label, color.css, whisker(scale, mean, "mean-whisker"),
      mean.estimate === null ? null : upright(scale.at(mean.estimate), 10, "mean-whisker"), own.map((run) => dot(run, own.length > MANY_DOTS))),
    number(mean.estimate), small(said));
  });
  const meaning = task === null ? "Each dot is a run. The bar is the mean with its 95 % interval." : "Each dot is a run. The line is the mean.";
  return chartCard(`Result of each run${task ? ` on ${task}` : ""}`, meaning, drawn, scale, found.groups.length - rows.length);
}

/** Draw the difference of each comparison with its interval, around zero. */
export function differences(found, tint, task = null) {
  const known = found.comparisons.filter((one) => one.difference.estimate !== null && (task === null || one.task === task));
  const shown = known.slice(0, MOST_ROWS), estimates = shown.map((one) => one.difference.estimate);
  if (!shown.length) return null;
  const reach = FAR * Math.max(...estimates.map(Math.abs)), scale = spanning([0, ...estimates], shown.map((one) => one.difference), reach || Infinity);
  const baselines = new Set(found.comparisons.map((one) => one.baseline)), [first] = baselines;
  const drawn = shown.map(({ group, baseline, difference }) => {
    const { estimate } = difference, color = tint.get(group), range = interval(difference) || "no interval";
    const name = [swatch(color), group, baselines.size > 1 ? h("span", { class: "muted" }, ` minus ${baseline}`) : null];
    return row(name, group, frame(`${group} minus ${baseline}: ${number(estimate)}, ${range}`, color.css, upright(scale.at(0), MIDDLE, "zero"),
      whisker(scale, difference, "bar-whisker"), svg("circle", { cx: scale.at(estimate), cy: MIDDLE, r: 4.5, class: "dot" })),
    estimate > 0 ? "+" : "", number(estimate), small(range));
  });
  const meaning = "Intervals have the level of the verdicts. An interval that excludes zero shows a difference, before the correction for several comparisons.";
  const heading = `Difference from ${baselines.size === 1 ? first : "the baseline"}${task ? ` on ${task}` : ""}`;
  return chartCard(heading, meaning, drawn, scale, known.length - shown.length);
}

function chartCard(heading, meaning, rows, scale, left) {
  const anchor = (share) => (share < 0.04 ? "start" : share > 0.96 ? "end" : "middle");
  const tick = (at) => svg("text", { x: scale.at(at), y: 12, "text-anchor": anchor(scale.share(at)), class: "tick" }, short(at));
  const ruler = svg("svg", { class: "whisker", height: TALL, width: "100%", "aria-hidden": "true" }, ticks(scale.low, scale.high, 4).map(tick));
  const axis = h("tr", { class: "axis" }, h("td", {}), h("td", { class: "bar-cell" }, ruler), h("td", {}));
  return card(heading, null, bars(heading, [rows, axis], "intervals"),
    h("p", { class: "muted small" }, meaning, left > 0 ? ` ${count(left)} more are not shown.` : ""));
}
