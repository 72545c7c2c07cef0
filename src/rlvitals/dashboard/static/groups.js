// Groups of runs compared with each other: conclusions, learning curves, differences, profiles.

import { address } from "./api.js";
import { Chart } from "./chart.js";
import { everyRun, groupTable, influences, pairs, relationCard, settings } from "./comparison_tables.js";
import { AXES, color, neutral } from "./curves.js";
import { choices as metricNames, metricNamed } from "./dictionary.js";
import { h, keptFocus, put, refill } from "./dom.js";
import { CLOCKS, count, interval, percent } from "./format.js";
import { differences, outcomes } from "./interval_chart.js";
import { bullets, card, grow, named, refusals, select, withFacts } from "./widgets.js";

const KEPT = ["metric", "statistic", "axis", "by", "baseline", "target", "margin", "lower_is_better", "every_pair"];
const STATISTICS = [["final", "last tenth"], ["area", "whole training"], ["best", "best block mean"]];
const DIRECTIONS = [["", "higher is better"], ["true", "lower is better"]];
const VERDICTS = ["better", "worse", "different", "the same", "no difference shown", "not enough runs", "not comparable"];
const EACH = "\u0000each";
const MOST_IN_PAIRS = 25, MOST_CURVES = 12, MOST_VERDICTS = 12, FEW_VERDICTS = 3, MOST_TASKS = 6, MOST_REFUSED = 100, AGAIN_MS = 15_000;

/** Request parameters from the address. */
export const comparisonQuery = ({ params }) => ({ run: params.getAll("run"), group: params.getAll("group"),
  ...Object.fromEntries(KEPT.map((name) => [name, params.get(name)])) });

export function groupsView(box, app, { again }) {
  const controller = new AbortController(), charts = new Map(), used = new Set(), seen = new Set();
  let found = null, shown = "", chosen = "", relation = null, timer = 0, known = new Map();
  const change = (changes) => { app.keep(changes); again(); };
  // Input fields are created once, so that a reload does not interrupt typing.
  const field = (name, label, more, others = {}) => h("input", { ...more, class: "narrow", "aria-label": label,
    onchange: (event) => change({ [name]: event.target.value.trim(), ...others }) });
  const metric = field("metric", "Metric", { list: "metrics" }, { target: null, margin: null, lower_is_better: null });
  const target = field("target", "Target mean", { type: "number", step: "any" });
  const margin = field("margin", "Equivalence margin", { type: "number", step: "any", min: 0 });
  const list = h("datalist", { id: "metrics" }, metricNames(["episodes", "evaluations", "updates"]).map((name) => h("option", { value: name })));
  const labelled = (text, input) => h("label", { class: "asked" }, text, input);
  const inside = h("div", { class: "compared" }), data = h("a", { class: "quiet" }, "JSON"), choices = h("span", { class: "choices" });
  put(box, h("div", { class: "controls" }, list, labelled("Metric ", metric), choices, labelled("Target ", target),
    labelled("Same within ± ", margin), grow(), data), inside);

  /** Show a comparison or the reason for a failure. */
  function update(answer, { quiet }) {
    found = answer.found; // keep a planned reload: the answer can lack the latest changes
    known = new Map(found?.runs.map((one) => [one.path, one.status]) ?? []);
    drawControls();
    const state = JSON.stringify([answer, asked()]);
    if (state === shown) return;
    shown = state;
    const restore = keptState(inside, quiet);
    used.clear();
    if (found) show();
    else put(inside, h("p", { class: "empty", role: "alert" }, answer.failure));
    for (const [name, chart] of charts) if (!used.has(name)) { chart.destroy(); charts.delete(name); }
    restore();
  }

  function drawControls() {
    const query = comparisonQuery(app), groups = found?.groups ?? [];
    const named = new Set([...Object.keys(found?.differences ?? {}), ...groups.flatMap((group) => Object.keys(group.varying))]);
    if (query.by && query.by !== "run") named.add(query.by);
    const values = [[metric, query.metric ?? "reward"], [target, query.target ?? ""], [margin, query.margin ?? ""]];
    for (const [input, value] of values) if (input !== document.activeElement) input.value = value;
    data.setAttribute("href", address("compare/groups", query));
    const baselines = groups.map(({ name }) => [name, `baseline: ${name}`]);
    if (groups.length > 2 && groups.length <= MOST_IN_PAIRS) baselines.push([EACH, "every pair"]);
    const compareWith = (name) => change(name === EACH ? { every_pair: "true", baseline: null } : { baseline: name, every_pair: null });
    const isFixed = found && found.higher_is_better !== true && !query.lower_is_better;
    const all = [
      ["Statistic", STATISTICS, query.statistic ?? "final", (statistic) => change({ statistic: statistic === "final" ? null : statistic })],
      ["Group by", [["", "group by settings"], ["run", "group by run"], ...[...named].map((name) => [name, `group by ${name}`])],
        query.by ?? "", (by) => change({ by, baseline: null })],
      groups.length > 1 && ["Compare with", baselines, query.every_pair ? EACH : groups[0].name, compareWith],
      !isFixed && ["Direction", DIRECTIONS, query.lower_is_better ?? "", (lower) => change({ lower_is_better: lower })],
      ["Axis", [["", "by a common axis"], ...AXES], query.axis ?? "", (axis) => change({ axis })],
    ].filter(Boolean);
    const state = JSON.stringify(all);
    if (state !== chosen) refill(choices, all.map((one) => select(...one)));
    chosen = state;
  }

  /** Reuse the chart of the previous answer, so that its options stay. */
  function chartOf(lines, clock, { low = false, ...options }) {
    const name = `${options.name}: ${options.heading}`, chart = charts.get(name) ?? new Chart(options);
    used.add(name);
    charts.set(name, chart);
    chart.element.classList.add("wide");
    if (low) chart.element.classList.add("low");
    chart.set(lines, { clock });
    return chart.element;
  }

  const asked = () => app.params.get("metric") ?? "reward";

  function show() {
    const tint = new Map(found.groups.map((group, i) => [group.name, i < MOST_CURVES ? color(i) : neutral]));
    const metricName = metricNamed(found.metric.replace(/^episodes\./, "")), several = found.groups.length > 1, all = count(found.runs.length);
    // Results in different environments are on separate scales.
    const every = Object.keys(found.horizons), tasks = every.length > 1 ? every.slice(0, MOST_TASKS) : [null];
    const alone = found.groups[0].name === "settings unknown" ? `The settings of these ${all} runs are unknown. To compare the runs, add groups or group by run.`
      : `All ${all} runs are one group. To compare the runs, group by another setting or add a group.`;
    put(inside,
      several ? verdicts(found, tint) : h("p", { class: "card muted" }, alone),
      sentences("Limits of the conclusions", found.limits), related(), curves(metricName, tint),
      h("div", { class: "board" }, tasks.map((task) => [outcomes(found, tint, task), several ? differences(found, tint, task) : null])),
      profile(metricName, tint), groupTable(found, tint), several || Object.keys(found.differences).length ? settings(found) : null, pairs(found),
      influences(found), sentences("Rules applied", found.notes), everyRun(found, tint),
      refusals(found.refused, `Runs that could not be opened: ${found.refused.length}`, MOST_REFUSED));
  }

  /** Card with the rank of a single run among earlier runs, or the divergence of two runs. */
  function related() {
    const keys = found.runs.map((one) => one.path), name = JSON.stringify([keys, asked()]);
    if (keys.length !== 1 && keys.length !== 2) return null;
    if (relation?.name === name) relation.again();
    else relation = { name, ...relationCard(keys, asked(), controller.signal) };
    return relation.element;
  }

  function curves({ title, phrase }, tint) {
    const groups = found.groups.slice(0, MOST_CURVES), every = [...new Set(groups.flatMap((group) => Object.keys(group.curves)))];
    const line = (group, { places: x, mean, low, high, contributing: runs }) => ({
      name: group.name, color: tint.get(group.name), raw: { x, y: mean }, band: { x, low, high }, bandCounts: true, runs,
      levels: found.target === null ? [] : [found.target], levelNames: ["target"],
      told: (i) => [interval({ low: low[i], high: high[i] }), `${runs[i]} ${runs[i] === 1 ? "run" : "runs"}`].filter(Boolean).join(", ") });
    const drawn = every.slice(0, MOST_TASKS).map((task) => {
      const lines = groups.filter((group) => group.curves[task]).map((group) => line(group, group.curves[task])), on = task ? ` on ${task}` : "";
      const few = lines.map(({ name, color: tone, raw, runs }) => ({ name, color: tone, raw: { x: raw.x, y: runs } }));
      return [chartOf(lines, found.axis, { name: `${title}${on}`, heading: `Mean ${phrase}${on}, with 95 % intervals over runs`, tall: true }),
        lines.some(({ runs }) => new Set(runs).size > 1)
          && chartOf(few, found.axis, { name: `Number of runs${on}`, heading: "Number of runs with data", floor: 0, low: true })];
    });
    const left = [[found.groups.length - groups.length, "groups"], [every.length - drawn.length, "environments"]].filter(([many]) => many > 0);
    return h("div", { class: "board" }, drawn, h("p", { class: "wide muted small" },
      h("span", { class: "legend" }, groups.map(({ name, counted }) => named(tint.get(name), `${name} (${counted})`))),
      left.map(([many, what]) => ` ${many} more ${what} are not drawn.`),
      ` By ${CLOCKS[found.axis] ?? found.axis}, without interpolation. Intervals are drawn where at least two runs have data.`));
  }

  function profile({ phrase }, tint) {
    const lines = found.groups.slice(0, MOST_CURVES).filter((group) => group.profile?.thresholds.length).map(({ name, profile: { thresholds: x, shares, low, high } }) => ({
      name, color: tint.get(name), raw: { x, y: shares }, band: { x, low, high }, told: (i) => `(${interval({ low: low[i], high: high[i] }, percent)})` }));
    const options = { name: "Performance profile", heading: `Share of runs with a better ${phrase} than each value`, unit: "share" };
    return lines.length ? h("div", { class: "board" }, chartOf(lines, "value", options)) : null;
  }

  /** Schedule a reload, which includes all changes until then. */
  function later() { timer ||= setTimeout(() => { timer = 0; again({ quiet: true }); }, AGAIN_MS); }
  /** Whether a row can change the comparison: an open run, a changed status, or a new run that a pattern can match. */
  function matters(row) {
    const status = known.get(row.key), isNew = status === undefined && app.params.has("group") && !seen.has(row.key);
    if (isNew) seen.add(row.key);
    return isNew || (status !== undefined && (row.is_open || status !== row.status));
  }
  const heard = { list: ({ rows, gone }) => { if (rows.map(withFacts).filter(matters).length || gone.some((key) => known.has(key))) later(); }, again: later };
  const stop = app.listen({}, heard, { back: () => again({ quiet: true }) });
  const leave = () => { controller.abort(); clearTimeout(timer); stop(); for (const chart of charts.values()) chart.destroy(); };
  return { kind: "groups", update, later, leave };
}

/** Return a function that restores open details, scroll positions and focus after a part of the page was redrawn. */
function keptState(part, quiet) {
  const refocus = keptFocus(part);
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.className), top = scrollY;
  const left = [...part.querySelectorAll(".table-box")].map((one) => one.scrollLeft);
  return () => {
    for (const one of part.querySelectorAll("details")) one.open = open.includes(one.className);
    part.querySelectorAll(".table-box").forEach((one, i) => { if (left[i]) one.scrollLeft = left[i]; });
    refocus();
    if (quiet && scrollY !== top) scrollTo(0, top);
  };
}

function verdicts({ comparisons: all, horizons, tones }, tint) {
  const left = all.length - MOST_VERDICTS, least = (one) => one.adjusted_p ?? Number.MAX_VALUE, isMany = Object.keys(horizons).length > 1;
  const counts = VERDICTS.map((verdict) => [all.filter((one) => one.verdict === verdict).length, verdict]).filter(([many]) => many);
  const shown = left > 0 ? [...all].sort((a, b) => least(a) - least(b)).slice(0, MOST_VERDICTS) : all;
  const tally = [h("b", {}, `${count(all.length)} comparisons: `), counts.map(([many, verdict]) => `${count(many)} ${verdict}`).join(", "), "."];
  const article = ({ verdict, group, baseline, task, sentences: [first, ...rest] }) => h("article", { class: "verdict", "data-tone": tones[verdict] },
    h("div", { class: "verdict-main" },
      h("div", { class: "verdict-name" }, h("b", { class: "verdict-title" }, verdict), h("span", {}, named(tint.get(group), group), h("span", { class: "muted" }, " compared with "),
        named(tint.get(baseline), baseline), task && isMany ? h("span", { class: "muted" }, ` on ${task}`) : null)),
      h("p", { class: "verdict-say" }, first), rest.length ? bullets(rest) : null));
  const more = `The ${MOST_VERDICTS} clearest are shown. The remaining ${count(left)} are in the differences below and in the JSON.`;
  return h("section", { class: "verdicts", "aria-label": "Conclusions" }, all.length > FEW_VERDICTS ? h("p", { class: "tally" }, tally) : null,
    shown.map(article), left > 0 ? h("p", { class: "muted small" }, more) : null);
}

const sentences = (heading, said) => (said.length ? card(heading, null, bullets(said)) : null);
