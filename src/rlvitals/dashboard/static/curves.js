// Charts of a run: asked for together, drawn, carried on live, zoomed together.

import { h, put, select, tip } from "./dom.js";
import { address } from "./api.js";
import { isKnown, metricOf, title } from "./dictionary.js";
import { num, nums } from "./format.js";
import { Chart } from "./chart.js";

const COLORS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6", "--c7", "--c8", "--c9", "--c10", "--c11", "--c12"];
/** A colour for a canvas, as it is now; `css` of it is for elements, which follow the theme by themselves. */
export const color = (index) => Object.assign(() => getComputedStyle(document.documentElement).getPropertyValue(COLORS[index % COLORS.length]).trim(), { css: `var(${COLORS[index % COLORS.length]})` });

/** Of what is beyond the twelve: the same colour again would be taken for another. */
export const neutral = Object.assign(() => getComputedStyle(document.documentElement).getPropertyValue("--muted").trim(), { css: "var(--muted)" });

/** The answer of the API as a line of a chart. */
export function lineOf(series, index = 0, options = {}) {
  const extent = { ...series.extent, last: num(series.extent.last) };
  return {
    name: options.name ?? title(series.field, series.stream), color: color(index), raw: { x: series.points.x, y: nums(series.points.y) }, rows: series.rows,
    smooth: series.smooth && { ...series.smooth, y: nums(series.smooth.y) }, band: options.smoothOnly ? null : series.band, extent, smoothOnly: options.smoothOnly && Boolean(series.smooth), levels: options.levels, levelNames: options.levelNames,
  };
}

/** What a number means, from the metric dictionary. */
function meaning(stream, field) {
  if (!isKnown(stream, field)) return null;
  const entry = metricOf(stream, field);
  return tip(`What ${entry.title} means`, () => [h("b", {}, entry.title), entry.unit !== "1" ? h("span", { class: "muted" }, `  in ${entry.unit}`) : null, h("p", {}, entry.formula),
    entry.healthy ? h("p", {}, h("b", { class: "good" }, "Healthy: "), entry.healthy) : null, entry.source ? h("p", { class: "muted small" }, entry.source) : null]);
}

/** Charts of some fields of streams, in a grid, that share a clock and a range.
 *  @param wanted [{stream, field, heading, tall, smoothOnly, wide, healthy}]
 */
export function board(run, box, wanted) {
  let cursorWaits = 0;
  const oncursor = (at) => { cancelAnimationFrame(cursorWaits); cursorWaits = requestAnimationFrame(() => { for (const { chart } of items) chart.point(at === null ? null : at); }); };
  const items = wanted.map((want) => {
    const metric = metricOf(want.stream, want.field);
    const chart = new Chart({
      name: metric.label, heading: want.heading ?? metric.label, info: meaning(want.stream, want.field), tall: want.tall, unit: metric.format === "percent", floor: metric.axis[0] ?? undefined,
      healthy: want.healthy && metric.low !== null && metric.high !== null ? { low: metric.low, high: metric.high } : null, log: run.view.log.has(want.field),
      onlog: (on) => { const all = run.view.log; on ? all.add(want.field) : all.delete(want.field); run.app.keep({ log: [...all] }); },
      onzoom: (to) => run.zoom(to), oncursor,
      csv: () => { const v = run.view; return address("run/series.csv", { run: run.key, stream: want.stream, field: want.field, clock: v.clock, from: v.range?.[0], to: v.range?.[1], category: v.category }); },
    });
    if (want.wide) chart.element.classList.add("wide");
    return { ...want, chart };
  });
  put(box, items.map(({ chart }) => chart.element));
  let round = 0, timer = 0, lastLoad = 0, asking = 0, heard = {};

  async function load() {
    const mine = ++round, view = run.view, groups = Map.groupBy ? Map.groupBy(items, (one) => one.stream) : grouped(items);
    lastLoad = performance.now();
    heard = {}; // what was heard of before is in the answer
    asking += 1;
    await Promise.all([...groups].map(async ([stream, list]) => {
      let found;
      const params = { stream, clock: view.clock, from: view.range?.[0], to: view.range?.[1], smoothing: view.smoothing, category: view.category, points: box.clientWidth > 900 ? 1000 : 600 };
      try {
        found = (await run.ask("run/series", { ...params, field: list.map((one) => one.field) })).series;
      } catch (error) {
        if (error.name !== "AbortError") for (const { chart } of list) { chart.note = error.message; chart.set([], { clock: view.clock, known: false }); }
        return;
      }
      if (mine !== round) return;
      if (found[0]?.rows < heard[stream]) soon(300); // it was on its way when more came
      found.forEach((series, i) => {
        list[i].rows = series.rows;
        list[i].chart.note = series.clock !== view.clock ? `over ${series.clock}: the ${stream} have no ${view.clock}` : "";
        list[i].chart.set([lineOf(series, list[i].tint ?? 0, { smoothOnly: list[i].smoothOnly })], { clock: series.clock, range: view.range, marks: marksOf(run, series.clock), outliers: view.outliers });
      });
    }));
    asking -= 1;
  }

  /** At once at first, then no sooner than it makes sense: what is new is drawn already. */
  function soon(least = 2500) {
    if (timer) return;
    timer = setTimeout(() => { timer = 0; if (asking) soon(); else load(); }, Math.max(60, least - (performance.now() - lastLoad)));
  }

  function grown(news) {
    const view = run.view;
    heard[news.stream] = news.rows;
    for (const one of items) {
      if (one.stream !== news.stream || one.rows === undefined || news.rows <= one.rows) continue;
      if (!news.columns || news.from > one.rows || (view.category && news.stream === "episodes") || view.range) { soon(); continue; }
      const skip = Math.max(0, one.rows - news.from), xs = news.clocks[one.chart.clock], ys = news.columns[one.field];
      one.rows = news.rows;
      if (!xs || !ys) continue;
      const line = one.chart.lines[0];
      if (!line) { soon(300); continue; }
      const added = one.chart.append(0, xs.slice(skip), ys.slice(skip));
      if ((!line.smooth && line.raw.x.length > 30) || added > Math.max(200, 0.4 * (line.raw.x.length - added))) soon();
    }
  }
  return {
    first: load(), load, grown,
    /** The head says how many rows there are: a chart that has fewer has missed some. */
    head: () => {
      heard = { ...run.head.rows };
      if (items.some((one) => one.rows < heard[one.stream])) soon();
      for (const { chart } of items) { chart.marks = marksOf(run, chart.clock); chart.paint(); }
    },
    destroy: () => { round = -1; clearTimeout(timer); for (const { chart } of items) chart.destroy(); },
  };
}

function grouped(items) {
  const groups = new Map();
  for (const one of items) groups.set(one.stream, [...(groups.get(one.stream) ?? []), one]);
  return groups;
}

const marksOf = (run, clock) => run.head.findings.filter((one) => one.open && one.severity !== "info" && one.since_step !== null)
  .map((one) => ({ x: one.at[clock] ?? null, severity: one.severity, text: one.title }));

/** The controls that charts share. */
export function viewControls(run, box, { types = true, lines = true } = {}) {
  const view = run.view, categories = run.head.labels["episodes.category"];
  put(box,
    select("Horizontal axis", [["episode", "by episode"], ["env_step", "by environment step"], ["update", "by update"], ["time", "by time"]], view.clock, (x) => run.change({ x: x === "episode" ? null : x, from: null, to: null })),
    lines && select("Smoothing", [["-1", "smoothing: auto"], ["0", "no smoothing"], ["10", "over 10"], ["100", "over 100"], ["1000", "over 1,000"]], String(view.smoothing), (smooth) => run.change({ smooth: smooth === "-1" ? null : smooth })),
    lines && select("Outliers", [["auto", "outliers: auto"], ["show", "show outliers"], ["clip", "hide outliers"]], view.outliers, (outliers) => run.change({ outliers: outliers === "auto" ? null : outliers })),
    types && categories.length > 1 ? select("Type", [["", "all types"], ...categories.map((name) => [name, name])], view.category, (type) => run.change({ type })) : null,
    view.range ? h("button", { type: "button", class: "button", onclick: () => run.zoom(null) }, "Show all  (0)") : h("span", { class: "muted small hint" }, "drag in a chart to zoom"));
}
