// Up to twelve runs overlaid: curves, results, and differences in their settings.

import { ask, unlessAborted } from "./api.js";
import { relationCard } from "./comparison_tables.js";
import { color, lineOf, metricChart, rangeOf, viewControls, viewOf, zoomed } from "./curves.js";
import { isCurve, levelInterval, metricOf, title } from "./dictionary.js";
import { h, put } from "./dom.js";
import { ABSENT, count, number, span } from "./format.js";
import { card, checkbox, empty, grow, named, select, small, status, table, UNKNOWN, withFacts } from "./widgets.js";

const FIRST = ["episodes/reward", "episodes/quality_final", "episodes/success", "episodes/length", "updates/entropy", "updates/kl_divergence"];
const AGAIN_MS = 3_000, MOST_WAITS = 20, POINTS = 400;

export const MOST_OVERLAID = 12;

/** @param every keys of the runs, of which the first twelve are overlaid */
export function overlay(root, app, every) {
  const controller = new AbortController(), { signal } = controller, keys = every.slice(0, MOST_OVERLAID);
  let charts = [], timer = 0, waits = 0, round = 0, failing = false, following = false, late = false, live = new Set(), onlyDifferent = true;
  const controls = h("div", { class: "controls" }), grid = h("div", { class: "board" }), tables = h("div", { class: "compared" });
  put(root, controls, grid, h("div", { class: "compared" }, keys.length === 2 ? relationCard(keys, "reward", signal).element : null, tables));
  const quiet = unlessAborted((error) => { failing = true; app.say(error.message); });
  const view = () => viewOf(app.params, "env_step");
  const change = (changes) => { app.keep(changes); curves().catch(quiet); drawControls(); };
  const drop = () => { for (const { chart } of charts) chart.destroy(); charts = []; };
  const note = every.length > keys.length ? h("span", { class: "muted" }, `The first ${keys.length} of ${count(every.length)} runs.`) : null;
  const drawControls = () => viewControls(controls, view(), change, { outliers: false, note });

  /** Load the curves. A removed run loses its line; if the server does not respond, all lines stay. */
  async function curves() {
    const now = view(), { clock, range, smoothing } = now, mine = ++round, asked = { ...rangeOf(now), smoothing, points: POINTS };
    const unanswered = (error) => { if (!error.status) throw error; };
    await Promise.all(charts.map(async ({ stream, field, chart }) => {
      const found = await Promise.all(keys.map((run) => ask("run/series", { run, stream, field, ...asked }, signal).catch(unanswered)));
      if (mine !== round) return; // the view changed meanwhile
      if (failing) { failing = false; app.say(null); }
      const line = (series, i) => series?.points.x.length && lineOf(series, i, { name: keys[i], smoothOnly: Boolean(series.smooth) });
      chart.set(found.map((answer, i) => line(answer?.series[0], i)).filter(Boolean), { clock, range });
    }));
  }

  async function load() {
    clearTimeout(timer);
    timer = 0;
    drawControls();
    const found = await ask("compare", { run: keys }, signal).catch(unlessAborted((error) => put(tables, empty(error.message))));
    if (!found) return;
    drop();
    const all = Object.entries(found.fields).flatMap(([stream, names]) => names.map((field) => ({ name: `${stream}/${field}`, stream, field })));
    const asked = app.params.getAll("curve"), wanted = (asked.length ? asked : FIRST).flatMap((name) => all.filter((one) => one.name === name));
    const others = all.filter((one) => isCurve(one.stream, one.field) && !wanted.includes(one));
    charts = wanted.map(({ name, stream, field }) => {
      const first = name === FIRST[0], chart = metricChart(stream, field, { wide: first, tall: first, onzoom: (range) => change(zoomed(range)) });
      return { stream, field, chart };
    });
    const addCurve = (name) => { if (name) { app.keep({ curve: [...wanted.map((one) => one.name), name] }); load(); } };
    const choices = others.map(({ name, stream, field }) => [name, `${metricOf(stream, field).title} (${stream})`]);
    put(grid, charts.map(({ chart }) => chart.element),
      others.length ? h("div", { class: "add-curve" }, select("Add a curve", [["", "+ add curve"], ...choices], "", addCurve)) : null);
    side(found);
    await curves().catch(quiet);
  }

  async function follow() {
    const [found] = await Promise.all([ask("compare", { run: keys }, signal), curves()]), top = scrollY;
    if (tables.contains(document.activeElement)) return;
    side(found);
    if (scrollY !== top) scrollTo(0, top);
  }
  /** Schedule one update at a time; otherwise, responses slower than the changes would never be shown. */
  function soon() {
    if (timer) { late ||= following; return; }
    timer = setTimeout(async () => {
      following = true;
      await follow().catch(quiet);
      [following, timer] = [false, 0];
      if (late && !signal.aborted) { late = false; soon(); }
    }, AGAIN_MS);
  }
  // Use one stream for all runs, because a browser opens at most six connections to a server.
  const heard = { list: (news) => { if (news.rows.some((row) => live.has(row.key))) soon(); }, again: soon };
  const stop = app.listen({}, heard, { back: load });

  function side(found) {
    const runs = found.runs.map(withFacts), open = (run) => run.findings.filter((one) => one.open).map((one) => one.title).join(", ");
    live = new Set(runs.filter((run) => run.is_open).map((run) => run.key));
    if (waits < MOST_WAITS && runs.some((run) => !run.health)) { waits += 1; soon(); } // assessments are still running
    const level = (field, name = title(field, "episodes")) => [name, ({ levels: { [field]: one }, level_texts: texts }) =>
      (one ? [texts[field], small(levelInterval(field, one))] : ABSENT), ({ levels }) => (levels[field]?.not_finite > 0 ? "bad" : "")];
    const judged = (show) => (run) => (run.health ? show(run.health, run) : UNKNOWN);
    const rows = [
      ["Status", (run) => status(run.status)], ["Verdict", (run) => run.verdict?.title ?? UNKNOWN], ["Health", judged(({ score, status: state }) => `${score ?? state}`)],
      level("reward", "Reward, recent"), runs.some((run) => run.reward_source) && ["Reward source", (run) => run.reward_source || (run.levels.reward ? "episode return" : ABSENT)],
      level("quality_final"), level("success"), level("length"),
      ["Episodes", (run) => count(run.episodes)], ["Steps", (run) => count(run.env_step)], ["Steps per second", (run) => number(run.speed, 3)],
      ["Duration", (run) => (run.is_replayed ? ABSENT : span(run.duration))],
      ["Findings", judged(({ score, status: state }, run) => open(run) || (score === null ? state : "none"))],
    ];
    const columns = (cell, tone) => [["", ([name]) => name], ...runs.map((run, i) => [named(color(i), run.key), (row) => cell(row, run, i), "num", (row) => tone?.(row, run)])];
    const settings = h("div", {}), nothing = found.settings.length ? "No recorded setting differs." : "No settings were recorded. Pass configuration={...} to TrainingMonitor.";
    const list = () => {
      const shown = found.settings.filter((one) => one.differs || !onlyDifferent).map((one) => [one.name, one]);
      const tone = ([, one]) => (one.differs ? "strong" : "muted"), value = ([, one], _, i) => one.values[i] ?? "unknown";
      put(settings, shown.length ? table(columns(value), shown, { kind: "side", tone }) : h("p", { class: "muted" }, nothing));
    };
    const results = table(columns(([, show], run) => show(run), ([, , tone], run) => tone?.(run)), rows.filter(Boolean), { kind: "side" });
    const only = checkbox("differences only", onlyDifferent, (on) => { onlyDifferent = on; list(); });
    put(tables, card("Side by side", null, results), card("Configuration", [grow(), only], settings));
    list();
  }
  load();
  return { kind: "runs", leave: () => { controller.abort(); clearTimeout(timer); stop(); drop(); } };
}
