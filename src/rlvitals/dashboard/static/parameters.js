// The parameters tab: parallel coordinates, a heat map, and the effects of the explored parameters.

import { metricOf, title } from "./dictionary.js";
import { contextOf, h, put } from "./dom.js";
import { isBad, nums, number, percent, short } from "./format.js";
import { clamp, ends, scaler } from "./scale.js";
import { answered, card, empty, grow, hint, select, table } from "./widgets.js";

/** Colours from low to high that people with colour vision deficiencies can distinguish, in light and dark themes. */
const STOPS = [[48, 60, 130], [38, 110, 150], [60, 155, 125], [150, 190, 80], [245, 205, 70]];
function shade(share) {
  const at = clamp(share, 0, 1) * (STOPS.length - 1), i = Math.min(STOPS.length - 2, Math.floor(at)), part = at - i;
  return `rgb(${STOPS[i].map((c, k) => Math.round(c + part * (STOPS[i + 1][k] - c))).join(" ")})`;
}

/** The analysis is repeated after this growth of the number of episodes, because it takes seconds for a long run. */
const GROWTH = 1.2, AGAIN_MS = 5000;
const TALL = 300, WIDE = 92, MARGIN = 46, TOP = 30, BOTTOM = TALL - 26;
const MOST_EFFECTS = 10, MOST_TOLD_CELLS = 12;

export function parameters(panel, run, controls) {
  let known = 0, timer = 0, resize = null, repaint = () => {}, outcome = run.app.params.get("outcome") ?? "reward";
  const load = (waiting) => answered(panel, run.ask("run/parameters", { outcome }), show, waiting);
  const choose = (label, names, value, then) => select(label, names.map((name) => [name, name]), value, then);

  function show(found) {
    const none = "No parameters were recorded. Pass parameters={...} or attempts=[...] to monitor.log_episode(...).";
    if (!found.parameters.length) return put(panel, empty(none));
    put(controls, select("Outcome", found.outcomes.map((name) => [name, `by ${metricOf("episodes", name).phrase}`]), found.outcome ?? "reward",
      (next) => { outcome = next; run.app.keep({ outcome }); load(); }));
    const names = found.parameters.filter((one) => one.low !== one.high).map((one) => one.name), values = nums(found.values);
    const label = `Parallel coordinates of ${names.length} parameters, coloured by ${title(outcome, "episodes")}`;
    const canvas = h("canvas", { role: "img", "aria-label": label }), heat = h("div", { class: "heat" }), effects = h("div", {});
    let [x, y] = [run.app.params.get("px"), run.app.params.get("py")];
    if (!names.includes(x)) [x] = names;
    if (!names.includes(y) || y === x) y = names.find((name) => name !== x) ?? x;
    const cells = () => answered(heat, run.ask("run/heatmap", { x, y, outcome: found.outcome }), (map) => put(heat, heatmap(map, `${found.unit}s`)));
    put(panel,
      card("Explored parameters", [hint(`${number(values.length)} of ${number(found.total)} ${found.unit}s, one line each`), grow(), legend(values)],
        h("div", { class: "parallel" }, canvas)),
      h("div", { class: "board" },
        card(`Mean ${metricOf("episodes", outcome).phrase}`, [grow(),
          choose("Horizontal parameter", names, x, (next) => { x = next; run.app.keep({ px: x }); cells(); }), "×",
          choose("Vertical parameter", names, y, (next) => { y = next; run.app.keep({ py: y }); cells(); })], heat),
        card("Parameter effects", null, effects)));
    resize?.disconnect();
    repaint = () => lines(canvas, found.parameters, values);
    resize = new ResizeObserver(repaint);
    resize.observe(canvas.parentElement);
    if (names.length) cells();
    const explain = (told) => put(effects, told ? explained(told, outcome) : empty("Not enough data to analyse the parameters."));
    answered(effects, run.ask("run/exploration"), explain, "Analysing the parameters ...");
  }
  const begin = (waiting) => { known = run.head.rows.episodes; load(waiting); };
  const retheme = () => repaint();
  begin("Loading the parameters ...");
  addEventListener("themechange", retheme);
  return {
    refresh: (again) => { if (again) begin(); },
    grown: (news) => { if (news.stream === "episodes" && news.rows > GROWTH * known) timer ||= setTimeout(() => { timer = 0; begin(); }, AGAIN_MS); },
    leave: () => { clearTimeout(timer); removeEventListener("themechange", retheme); resize?.disconnect(); },
  };
}

/** Range of the colour scale, without the lowest and highest two per cent of the values. */
function extent(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b), last = sorted.length - 1;
  return sorted.length ? [sorted[Math.floor(0.02 * last)], sorted[Math.ceil(0.98 * last)]] : [0, 1];
}

function legend(values) {
  const [low, high] = extent(values), ramp = STOPS.map((_, i) => h("i", { css: { background: shade(i / (STOPS.length - 1)) } }));
  return h("span", { class: "legend" }, number(low, 3), h("span", { class: "ramp" }, ramp), number(high, 3));
}

/** Draw parallel coordinates: one line per row, with the best on top. */
function lines(canvas, axes, values) {
  const wide = Math.max(canvas.parentElement.clientWidth, axes.length * WIDE), style = getComputedStyle(canvas.parentElement);
  Object.assign(canvas.style, { width: `${wide}px`, height: `${TALL}px` });
  const pen = contextOf(canvas, wide, TALL), x = scaler(0, axes.length - 1, axes.length < 2 ? wide / 2 : MARGIN, wide - MARGIN);
  const heights = axes.map(({ low, high }) => (low === high ? () => (TOP + BOTTOM) / 2 : scaler(low, high, BOTTOM, TOP)));
  const [low, high] = extent(values), rank = (value) => (Number.isFinite(value) ? value : -Infinity);
  const order = values.map((value, i) => [value, i]).sort(([a], [b]) => rank(a) - rank(b));
  pen.lineWidth = 1; pen.lineJoin = "round";
  for (const [value, row] of order) {
    const share = (value - low) / (high - low || 1);
    pen.strokeStyle = Number.isFinite(value) ? shade(share) : style.getPropertyValue("--bad");
    pen.globalAlpha = 0.12 + 0.5 * clamp(share || 0, 0, 1) ** 2;
    pen.beginPath();
    let down = false;
    axes.forEach((axis, i) => {
      const at = axis.values[row];
      if (at !== null) pen[down ? "lineTo" : "moveTo"](x(i), heights[i](at));
      down = at !== null;
    });
    pen.stroke();
  }
  pen.globalAlpha = 1; pen.font = "11px system-ui, sans-serif"; pen.textAlign = "center";
  axes.forEach(({ name, levels, low: least, high: most }, i) => {
    const end = (value) => (value == null ? "" : levels.length ? value : short(value));
    pen.strokeStyle = pen.fillStyle = style.getPropertyValue("--muted");
    pen.beginPath(); pen.moveTo(x(i), TOP); pen.lineTo(x(i), BOTTOM); pen.stroke();
    pen.fillText(end(levels.at(-1) ?? most), x(i), TOP - 5);
    pen.fillText(end(levels[0] ?? least), x(i), BOTTOM + 14);
    pen.fillStyle = style.getPropertyValue("--text");
    pen.fillText(name, x(i), 12);
  });
}

function heatmap({ x, y, means, counts }, rows) {
  const [low, high] = ends(means.flatMap((cells) => nums(cells))), told = x.labels.length <= MOST_TOLD_CELLS;
  const cell = (value, i, j) => {
    const share = (value - low) / (high - low || 1), place = `${x.name} ${x.labels[i]}, ${y.name} ${y.labels[j]}`;
    if (value === null) return h("td", { class: "not-tried", title: `${place}: not tried` });
    const css = { "background-color": isBad(value) ? "var(--bad)" : shade(share), color: share > 0.55 ? "#101418" : "#fff" };
    return h("td", { css, title: `${place}: ${number(value)} in ${counts[j][i]} ${rows}` }, told ? number(value, 2) : "");
  };
  const body = means.map((cells, j) => h("tr", {}, h("th", { scope: "row" }, y.labels[j]), cells.map((value, i) => cell(value, i, j))));
  return h("div", { class: "table-box" }, h("table", { class: told ? "heatmap" : "heatmap dense" },
    h("caption", {}, `${x.name} (horizontal), ${y.name} (vertical)`, means.flat().includes(null) ? "; hatched: not tried" : ""), h("tbody", {}, body.reverse()),
    h("tfoot", {}, h("tr", {}, h("td", {}), x.labels.map((text) => h("th", { scope: "col" }, text))))));
}

/** Tabulate the effect of each parameter on every outcome, with the parameters that can be dropped. */
function effectTable(effects) {
  const outcomes = [...new Set(effects.flatMap((row) => Object.keys(row.effects)))];
  return table([["Parameter", (row) => row.name], ...outcomes.map((name) => [metricOf("episodes", name).title, (row) => row.effects[name]]),
    effects.some((row) => row.is_negligible) && ["Advice", (row) => (row.is_negligible ? "fix it and drop it" : "")]], effects, { tone: (row) => (row.is_negligible ? "muted" : "") });
}

function explained({ findings, at_bounds: bounds, combinations, effects, note, unit }, outcome) {
  const range = (value) => (Array.isArray(value) ? value.map((one) => number(one, 3)).join(" to ") : typeof value === "number" ? number(value, 3) : String(value));
  const pinned = bounds.filter((one) => one.verdict.startsWith("pinned")).map((one) => `${one.name} (${one.verdict})`);
  const groups = findings.filter((one) => one.outcome === outcome).map(({ category, drivers, region }, i) => h("details", { class: "effect", open: i === 0 },
    h("summary", {}, h("b", {}, category ?? "All categories"), drivers.verdict === "found" ? null : h("span", { class: "muted" }, ` ${drivers.verdict}`)),
    table([["Parameter", (effect) => effect.name], ["Variance explained", (effect) => (effect.drives ? percent(effect.share, 3) : "no effect shown"), "num"],
      ["Shape", (effect) => (effect.drives ? effect.shape : "")], ["Best at", (effect) => (effect.drives ? range(effect.best) : ""), "num"]],
    drivers.effects.slice(0, MOST_EFFECTS), { tone: (effect) => (effect.drives ? "strong" : "muted") }),
    region.verdict.includes("better") ? h("p", {}, h("b", {}, "Best region: "), Object.entries(region.where).map(([name, where]) => `${name} ${range(where)}`).join(", "),
      `: ${number(region.mean)} compared with ${number(region.elsewhere)} elsewhere.`) : null));
  const all = h("details", { class: "effect", open: true }, h("summary", {}, h("b", {}, "Share of variance explained, with 95 % intervals")), effectTable(effects));
  return [all, groups, pinned.length ? h("p", {}, h("b", {}, "Pinned at a bound: "), pinned.join(", ")) : null,
    h("p", { class: "muted small" }, `${number(combinations.distinct)} different combinations in ${number(combinations.rows)} ${unit}s. ${note}`)];
}
