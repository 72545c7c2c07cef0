// Charts of a run that load, update and zoom together, and the view that the address stores.

import { address, unlessAborted } from "./api.js";
import { Chart } from "./chart.js";
import { isKnown, metricOf, title } from "./dictionary.js";
import { h, put, refill, tip } from "./dom.js";
import { CLOCKS, num, nums } from "./format.js";
import { button, select } from "./widgets.js";

const COLORS = 12, AGAIN_MS = 2500, SOON_MS = 300, LEAST_MS = 60;

/** A theme colour: call it for the current value on a canvas, or use its `css` property for elements. */
const themed = (name) => Object.assign(() => getComputedStyle(document.documentElement).getPropertyValue(name).trim(), { css: `var(${name})` });
export const color = (index) => themed(`--c${(index % COLORS) + 1}`);

/** Colour of lines after the twelfth, because a repeated colour would be ambiguous. */
export const neutral = themed("--muted");

/** Convert a series of the API to a line of a chart. */
export function lineOf(series, index = 0, { name = title(series.field, series.stream), smoothOnly = false } = {}) {
  const { points, smooth, extent } = series;
  return {
    name, color: color(index), raw: { x: points.x, y: nums(points.y) }, smooth: smooth && { ...smooth, y: nums(smooth.y) },
    band: smoothOnly ? null : series.band, extent: { ...extent, last: num(extent.last) }, smoothOnly: smoothOnly && Boolean(smooth),
  };
}

/** Hint that explains a metric, from the metric dictionary. */
function meaning(stream, field) {
  if (!isKnown(stream, field)) return null;
  const { title: name, unit, formula, healthy, source } = metricOf(stream, field);
  return tip(`About ${name}`, () => [
    h("b", {}, name), unit !== "1" ? h("span", { class: "muted" }, `  in ${unit}`) : null, h("p", {}, formula),
    healthy ? h("p", {}, h("b", { class: "good" }, "Healthy: "), healthy) : null, source ? h("p", { class: "muted small" }, source) : null]);
}

/** Request parameters for the clock and the range of a view. */
export const rangeOf = ({ clock, range }) => ({ clock, from: range?.[0], to: range?.[1] });

/** Create a chart for a metric, with its name, unit and minimum. */
export function metricChart(stream, field, { wide, ...options }) {
  const metric = metricOf(stream, field);
  const chart = new Chart({ name: metric.label, unit: metric.format === "percent", floor: metric.axis[0] ?? undefined, ...options });
  if (wide) chart.element.classList.add("wide");
  return chart;
}

/** Create a grid of charts of fields that share a clock and a range.
 *  @param wanted [{stream, field, heading, tall, smoothOnly, wide, healthy, tint}]
 */
export function board(run, box, wanted) {
  let cursorFrame = 0, round = 0, timer = 0, lastLoad = 0, asking = 0, heard = {};
  const oncursor = (at) => {
    cancelAnimationFrame(cursorFrame);
    cursorFrame = requestAnimationFrame(() => { for (const { chart } of items) chart.point(at); });
  };
  const asked = (view) => ({ ...rangeOf(view), category: view.category });
  const items = wanted.map(({ stream, field, ...want }) => {
    const { low, high } = metricOf(stream, field);
    const chart = metricChart(stream, field, {
      ...want, info: meaning(stream, field), healthy: want.healthy && low !== null && high !== null ? { low, high } : null,
      log: run.view.log.has(field), onzoom: run.zoom, oncursor,
      onlog: (on) => { const all = run.view.log; on ? all.add(field) : all.delete(field); run.app.keep({ log: [...all] }); },
      csv: () => address("run/series.csv", { run: run.key, stream, field, ...asked(run.view) }),
    });
    return { tint: 0, ...want, stream, field, chart };
  });
  const marks = (clock) => run.head.findings.filter((one) => one.open && one.severity !== "info" && one.since_step !== null)
    .map((one) => ({ x: one.at[clock], severity: one.severity, text: one.title }));
  put(box, items.map(({ chart }) => chart.element));

  async function loadStream(stream, list, mine) {
    const view = run.view, { range, outliers, smoothing } = view, points = box.clientWidth > 900 ? 1000 : 600;
    const fail = ({ message }) => { for (const { chart } of list) { chart.note = message; chart.set([], { clock: view.clock, known: false }); } };
    const params = { stream, ...asked(view), smoothing, points, field: list.map((one) => one.field) };
    const found = await run.ask("run/series", params).catch(unlessAborted(fail));
    if (!found || mine !== round) return;
    if (found.series[0]?.rows < heard[stream]) soon(SOON_MS); // the run grew while the request was running
    found.series.forEach((series, i) => {
      const one = list[i], { clock } = series;
      one.rows = series.rows;
      one.chart.note = clock === view.clock ? "" : `by ${CLOCKS[clock]}, because no ${CLOCKS[view.clock]} was recorded`;
      one.chart.set([lineOf(series, one.tint, one)], { clock, range, marks: marks(clock), outliers });
    });
  }

  async function load() {
    const mine = ++round, streams = [...new Set(items.map((one) => one.stream))];
    lastLoad = performance.now();
    heard = {}; // the answer includes all earlier changes
    asking += 1;
    await Promise.all(streams.map((stream) => loadStream(stream, items.filter((one) => one.stream === stream), mine)));
    asking -= 1;
  }

  /** Schedule a reload, at most one per `least` milliseconds, because new values are drawn already. */
  function soon(least = AGAIN_MS) {
    timer ||= setTimeout(() => { timer = 0; if (asking) soon(); else load(); }, Math.max(LEAST_MS, least - (performance.now() - lastLoad)));
  }

  function grown(news) {
    const view = run.view, partial = !news.columns || view.range || (view.category && news.stream === "episodes");
    heard[news.stream] = news.rows;
    for (const one of items) {
      if (one.stream !== news.stream || one.rows === undefined || news.rows <= one.rows) continue;
      if (partial || news.from > one.rows) { soon(); continue; }
      const skip = Math.max(0, one.rows - news.from), xs = news.clocks[one.chart.clock], ys = news.columns[one.field];
      one.rows = news.rows;
      if (!xs || !ys) continue;
      const line = one.chart.lines[0];
      if (!line) { soon(SOON_MS); continue; }
      const added = one.chart.append(0, xs.slice(skip), ys.slice(skip)), points = line.raw.x.length;
      if ((!line.smooth && points > 30) || added > Math.max(200, 0.4 * (points - added))) soon();
    }
  }
  return {
    first: load(), load, grown,
    /** Compare with the row counts in the header: a chart with fewer rows has missed some and reloads. */
    head: () => {
      heard = { ...run.head.rows };
      if (items.some((one) => one.rows < heard[one.stream])) soon();
      for (const { chart } of items) { chart.marks = marks(chart.clock); chart.paint(); }
    },
    leave: () => { round = -1; clearTimeout(timer); for (const { chart } of items) chart.destroy(); },
  };
}

export const AXES = [["episode", "by episode"], ["env_step", "by environment step"], ["update", "by update"], ["time", "by time"]];
const SMOOTHING = [["-1", "smoothing: auto"], ["0", "no smoothing"], ["10", "smoothing: 10"], ["100", "smoothing: 100"], ["1000", "smoothing: 1,000"]];
const OUTLIERS = [["auto", "outliers: auto"], ["show", "show outliers"], ["clip", "clip outliers"]];

/** Read the view from the parameters of the address; `start` is the default clock. */
export function viewOf(params, start) {
  const end = (name) => (params.has(name) && Number.isFinite(Number(params.get(name))) ? Number(params.get(name)) : null);
  const range = [end("from"), end("to")];
  return {
    start, clock: params.get("x") ?? start, smoothing: Number(params.get("smooth") ?? -1), outliers: params.get("outliers") ?? "auto",
    category: params.get("type") ?? "", log: new Set(params.getAll("log")), range: range.some((one) => one !== null) ? range : null,
  };
}

const digits = (value) => String(Number(value.toPrecision(9)));

/** Address parameters for a range; null shows all. */
export const zoomed = (range) => ({ from: range && digits(range[0]), to: range && digits(range[1]) });

/** Draw the controls that charts share; `change` gets the changes to the address. */
export function viewControls(box, view, change, { lines = true, outliers = lines, categories = [], note = null } = {}) {
  const set = (name, usual) => (value) => change({ [name]: value === usual ? null : value });
  refill(box,
    select("Horizontal axis", AXES, view.clock, (x) => change({ x: x === view.start ? null : x, ...zoomed(null) })),
    lines && select("Smoothing", SMOOTHING, String(view.smoothing), set("smooth", "-1")),
    outliers && select("Outliers", OUTLIERS, view.outliers, set("outliers", "auto")),
    categories.length > 1 && select("Category", [["", "all categories"], ...categories.map((name) => [name, name])], view.category, set("type", "")),
    view.range ? button("Show all  (0)", () => change(zoomed(null))) : h("span", { class: "muted small hint" }, "Drag in a chart to zoom."),
    note);
}
