// A few runs, laid over each other: curves, what they came to, and what was different.

import { h, put, select } from "./dom.js";
import { ask, listen } from "./api.js";
import { Chart } from "./chart.js";
import { color, lineOf } from "./curves.js";
import { isCurve, metricOf, title } from "./dictionary.js";
import { ABSENT, count, formatValue, number, percent, span } from "./format.js";
import { status, withFacts } from "./badges.js";
import { saying } from "./groups.js";

const isReward = (stream, field) => stream === "episodes" && field === "reward";
const FIRST = [["episodes", "reward"], ["episodes", "quality_final"], ["episodes", "success"], ["episodes", "length"], ["updates", "entropy"], ["updates", "kl_divergence"]];

const AGAIN_MS = 3_000, MOST_WAITS = 20;

export const MOST_LAID = 12;

/** @param every the keys of the runs; the first twelve are laid over each other */
export function overlay(root, app, every) {
  const controller = new AbortController(), keys = every.slice(0, MOST_LAID);
  let charts = [], timer = 0, waits = 0, round = 0, troubled = false, following = false, late = false, live = new Set(), onlyDifferent = true;
  const controls = h("div", { class: "controls" }), grid = h("div", { class: "board" }), tables = h("div", { class: "compared" });
  put(root, controls, grid, h("div", { class: "compared" }, keys.length === 2 ? saying(keys, "reward", controller.signal).element : null, tables));
  const quiet = (error) => { if (error.name !== "AbortError") { troubled = true; app.say(error.message); } };
  const view = () => ({ clock: app.params.get("x") ?? "env_step", smoothing: Number(app.params.get("smooth") ?? -1), range: app.params.get("from") === null ? null : [number_of("from"), number_of("to")] });
  const number_of = (name) => { const text = app.params.get(name); return text === null || !Number.isFinite(Number(text)) ? null : Number(text); };
  const change = (changes) => { app.keep(changes); curves().catch(quiet); head(); };
  const drop = () => { for (const one of charts) one.chart.destroy(); charts = []; };

  function head() {
    const now = view(), focused = controls.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    put(controls, select("Horizontal axis", [["env_step", "by environment step"], ["episode", "by episode"], ["update", "by update"], ["time", "by time"]], now.clock, (x) => change({ x: x === "env_step" ? null : x, from: null, to: null })),
      select("Smoothing", [["-1", "smoothing: auto"], ["10", "over 10"], ["100", "over 100"], ["1000", "over 1,000"], ["0", "no smoothing"]], String(now.smoothing), (smooth) => change({ smooth: smooth === "-1" ? null : smooth })),
      now.range ? h("button", { type: "button", class: "button", onclick: () => change({ from: null, to: null }) }, "Show all  (0)") : h("span", { class: "muted small hint" }, "drag in a chart to zoom"),
      every.length > keys.length ? h("span", { class: "muted" }, `The first ${keys.length} of ${count(every.length)} runs.`) : null);
    if (focused) [...controls.children].find((one) => one.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
  }

  /** A run that is gone has no line any more; when the server is, the lines stay as they are. */
  async function curves() {
    const now = view(), mine = ++round;
    await Promise.all(charts.map(async ({ stream, field, chart }) => {
      const found = await Promise.all(keys.map((key) => ask("run/series", { run: key, stream, field, clock: now.clock, from: now.range?.[0], to: now.range?.[1], smoothing: now.smoothing, points: 400 }, controller.signal).catch((error) => { if (error.status) return null; throw error; })));
      if (mine !== round) return; // something else was chosen meanwhile
      if (troubled) { troubled = false; app.say(null); }
      const said = found.flatMap((answer, i) => (answer ? [[answer.series[0], i]] : [])).filter(([series]) => series.points.x.length);
      chart.set(said.map(([series, i]) => ({ ...lineOf(series, i, { name: keys[i], smoothOnly: Boolean(series.smooth) }) })), { clock: now.clock, range: now.range });
    }));
  }

  async function load() {
    clearTimeout(timer);
    timer = 0;
    head();
    try {
      const found = await ask("compare", { run: keys }, controller.signal);
      drop();
      const has = (stream, field) => found.fields[stream]?.includes(field);
      const chosen = app.params.getAll("curve").map((name) => name.split("/")), wanted = (chosen.length ? chosen : FIRST).filter(([stream, field]) => has(stream, field));
      const others = Object.entries(found.fields).flatMap(([stream, names]) => names.filter((name) => isCurve(stream, name)).map((name) => [stream, name])).filter(([stream, field]) => !wanted.some(([s, f]) => s === stream && f === field));
      charts = wanted.map(([stream, field]) => ({ stream, field, chart: new Chart({ name: title(field, stream), unit: metricOf(stream, field).format === "percent", onzoom: (range) => change({ from: range?.[0] ?? null, to: range?.[1] ?? null }), floor: metricOf(stream, field).axis[0] ?? undefined, tall: isReward(stream, field) }) }));
      charts.filter(({ stream, field }) => isReward(stream, field)).forEach(({ chart }) => chart.element.classList.add("wide"));
      put(grid, charts.map(({ chart }) => chart.element), others.length ? h("div", { class: "add-curve" }, select("Add a curve", [["", "+ add a curve"], ...others.map((pair) => [pair.join("/"), `${metricOf(pair[0], pair[1]).title} (${pair[0]})`])], "", (name) => { if (name) { app.keep({ curve: [...wanted.map((pair) => pair.join("/")), name] }); load(); } })) : null);
      side(found);
      await curves().catch(quiet);
    } catch (error) { if (error.name !== "AbortError") put(tables, h("p", { class: "empty" }, error.message)); }
  }

  async function follow() {
    const [found] = await Promise.all([ask("compare", { run: keys }, controller.signal), curves()]);
    if (!tables.contains(document.activeElement)) { const top = scrollY; side(found); if (scrollY !== top) scrollTo(0, top); }
  }
  /** One at a time: answers that are slower than the news would else never be shown. */
  function soon() {
    if (timer) { late ||= following; return; }
    timer = setTimeout(async () => {
      following = true;
      await follow().catch(quiet);
      [following, timer] = [false, 0];
      if (late && !controller.signal.aborted) { late = false; soon(); }
    }, AGAIN_MS);
  }
  // One connection for all runs: a browser has six for a server, and a stream holds one for good.
  const stop = listen({}, { list: (news) => { if (news.rows.some((row) => live.has(row.key))) soon(); }, again: soon }, { lost: () => app.lost(), back: () => { app.back(); load(); } });

  function side(found) {
    found.runs = found.runs.map(withFacts);
    live = new Set(found.runs.filter((run) => run.is_open).map((run) => run.key));
    if (waits < MOST_WAITS && found.runs.some((run) => !run.health)) { waits += 1; soon(); } // they are judged meanwhile
    const cell = (value, bad) => h("td", { class: bad ? "num bad" : "num" }, value);
    const level = (field, name = title(field, "episodes")) => { const show = (value) => formatValue(metricOf("episodes", field), value); return [name, (run) => { const entry = run.levels[field]; return cell(entry ? [run.level_texts[field], entry.low === null ? "" : h("div", { class: "muted small" }, `${show(entry.low)} to ${show(entry.high)}`)] : ABSENT, entry?.not_finite > 0); }]; };
    const rows = [["Status", (run) => h("td", { class: "num" }, status(run.status))], ["Verdict", (run) => h("td", { class: "num" }, run.verdict?.title ?? "…")], ["Health", (run) => cell(run.health ? `${run.health.score ?? run.health.status}` : "…")],
      level("reward", "Reward, recent"), ...(found.runs.some((run) => run.reward_source) ? [["Reward is", (run) => cell(run.reward_source || "return of episodes")]] : []), level("quality_final"), level("success"), level("length"),
      ["Episodes", (run) => cell(count(run.episodes))], ["Steps", (run) => cell(count(run.env_step))], ["Steps per second", (run) => cell(number(run.speed, 3))], ["Duration", (run) => cell(run.is_replayed ? ABSENT : span(run.duration))],
      ["Findings", (run) => cell(run.findings.filter((one) => one.open).map((one) => one.title).join(", ") || (run.health?.score === null ? run.health.status : run.health ? "none" : "…"))]];
    const names = h("tr", {}, h("th", {}, ""), found.runs.map((run, i) => h("th", { class: "num", scope: "col" }, h("i", { class: "swatch", css: { background: color(i).css } }), run.key)));
    const settings = h("tbody", {}), none = h("p", { class: "muted" });
    const list = () => { const shown = found.settings.filter((one) => one.differs || !onlyDifferent); put(settings, shown.map((one) => h("tr", { class: one.differs ? "strong" : "muted" }, h("th", { scope: "row" }, one.name), one.values.map((value) => h("td", { class: "num" }, value ?? "unknown"))))); put(none, shown.length ? "" : found.settings.length ? "Nothing that was recorded of their configuration differs." : "No settings were recorded."); };
    put(tables, h("section", { class: "card" }, h("header", {}, h("h2", {}, "Side by side")), h("div", { class: "table-box" }, h("table", { class: "plain side" }, h("thead", {}, names), h("tbody", {}, rows.map(([name, show]) => h("tr", {}, h("th", { scope: "row" }, name), found.runs.map(show))))))),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Configuration"), h("span", { class: "grow" }), h("label", {}, h("input", { type: "checkbox", checked: onlyDifferent, onchange: (event) => { onlyDifferent = event.target.checked; list(); } }), " only what differs")), h("div", { class: "table-box" }, h("table", { class: "plain side" }, h("thead", {}, names.cloneNode(true)), settings)), none));
    list();
  }
  load();
  return { kind: "runs", leave: () => { controller.abort(); clearTimeout(timer); stop(); drop(); } };
}
