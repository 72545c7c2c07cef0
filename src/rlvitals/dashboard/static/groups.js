// Groups of runs held against each other: what may be concluded, learning curves, differences, profiles.

import { h, put, select } from "./dom.js";
import { address, ask, listen } from "./api.js";
import { Chart } from "./chart.js";
import { withFacts } from "./badges.js";
import { color, neutral } from "./curves.js";
import { choices as names, metricNamed } from "./dictionary.js";
import { CLOCKS, count, number, percent } from "./format.js";
import { differences, outcomes } from "./interval_chart.js";
import { everyRun, groupTable, influences, pairs, settings } from "./comparison_tables.js";

const KEPT = ["metric", "statistic", "axis", "by", "baseline", "target", "margin", "lower_is_better", "every_pair"];
const STATISTICS = [["final", "the last tenth"], ["area", "the whole training"], ["best", "the best stretch"]];
const VERDICTS = ["better", "worse", "different", "the same", "no difference shown", "not enough runs", "not comparable"];
const AXES = [["", "by what all runs have"], ["env_step", "by environment step"], ["episode", "by episode"], ["update", "by update"], ["time", "by time"]];
const EACH = "\u0000each";
const MOST_IN_PAIRS = 25, MOST_CURVES = 12, MOST_VERDICTS = 12, FEW_VERDICTS = 3, MOST_TASKS = 6, MOST_REFUSED = 100, AGAIN_MS = 15_000;

/** What the address asks of the API. */
export function questionOf(app) {
  const asked = { run: app.params.getAll("run"), group: app.params.getAll("group") };
  for (const name of KEPT) asked[name] = app.params.get(name);
  return asked;
}

export function groupsView(box, app, { again }) {
  const controller = new AbortController(), charts = new Map(), used = new Set();
  const inside = h("div", { class: "compared" }), data = h("a", { class: "quiet" }, "JSON"), list = h("datalist", { id: "metrics" });
  const change = (changes) => { app.keep(changes); again(); };
  // What somebody types into is made once: an answer that comes meanwhile takes nothing away.
  const metric = field("metric", "Metric", { list: "metrics" }), target = field("target", "A mean to reach", { type: "number", step: "any" });
  const margin = field("margin", "Within which groups count as the same", { type: "number", step: "any", min: 0 }), choices = h("span", { class: "choices" });
  put(list, names(["episodes", "evaluations", "updates"]).map((name) => h("option", { value: name })));
  put(box, h("div", { class: "controls" }, list, h("label", { class: "asked" }, "Metric ", metric), choices, h("label", { class: "asked" }, "Target ", target), h("label", { class: "asked" }, "Same within ± ", margin), h("span", { class: "grow" }), data), inside);
  let found = null, told = "", chosen = "", said = null, timer = 0, known = new Map();

  function field(name, label, more) {
    return h("input", { ...more, class: "narrow", "aria-label": label, onchange: (event) => change({ [name]: event.target.value.trim(), ...(name === "metric" ? { target: null, margin: null, lower_is_better: null } : {}) }) });
  }

  /** Show an answer, or why there is none. */
  function update(answer, { quiet }) {
    found = answer.found; // what is planned stays: news that came since it was asked are not in it
    known = new Map(found?.runs.map((one) => [one.path, one.status]) ?? []);
    ask_controls();
    const text = JSON.stringify([answer, what()]);
    if (text === told) return;
    told = text;
    const put_back = kept(inside, quiet);
    used.clear();
    if (found) show();
    else put(inside, h("p", { class: "empty", role: "alert" }, answer.read_error ?? ""));
    for (const [name, chart] of charts) if (!used.has(name)) { chart.destroy(); charts.delete(name); }
    put_back();
  }

  function ask_controls() {
    const now = questionOf(app), named = found ? [...new Set([...Object.keys(found.differences), ...found.groups.flatMap((group) => Object.keys(group.varying))])] : [];
    if (now.by && now.by !== "run" && !named.includes(now.by)) named.unshift(now.by);
    for (const [input, value] of [[metric, now.metric ?? "reward"], [target, now.target ?? ""], [margin, now.margin ?? ""]]) if (input !== document.activeElement) input.value = value;
    data.setAttribute("href", address("compare/groups", now));
    const all = [["What a run comes to", STATISTICS, now.statistic ?? "final", (statistic) => change({ statistic: statistic === "final" ? null : statistic })],
      ["What makes a group", [["", "groups: same settings"], ["run", "groups: each run"], ...named.map((name) => [name, `groups: ${name}`])], now.by ?? "", (by) => change({ by, baseline: null })],
      ...(found && found.groups.length > 1 ? [["Held against", [...found.groups.map((group) => [group.name, `against ${group.name}`]), ...(found.groups.length > 2 && found.groups.length <= MOST_IN_PAIRS ? [[EACH, "each against each"]] : [])],
        now.every_pair ? EACH : found.groups[0].name, (name) => change(name === EACH ? { every_pair: "true", baseline: null } : { baseline: name, every_pair: null })]] : []),
      ...(found && found.higher_is_better !== true && !now.lower_is_better ? [] : [["Which way is better", [["", "more is better"], ["true", "less is better"]], now.lower_is_better ?? "", (lower_is_better) => change({ lower_is_better })]]),
      ["Brought together", AXES, now.axis ?? "", (axis) => change({ axis })]];
    const text = JSON.stringify(all);
    if (text === chosen) return;
    chosen = text;
    const focused = choices.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    put(choices, all.map((one) => select(...one)));
    if (focused) [...choices.children].find((one) => one.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
  }

  /** A chart keeps what was chosen in it when there is a new answer. */
  function chartOf(options) {
    const name = `${options.name}: ${options.heading}`, chart = charts.get(name) ?? new Chart(options);
    used.add(name);
    charts.set(name, chart);
    return chart;
  }

  function show() {
    const tint = new Map(found.groups.map((group, i) => [group.name, i < MOST_CURVES ? color(i) : neutral])), what = found.metric.replace(/^episodes\./, "");
    const several = found.groups.length > 1;
    put(inside,
      several ? verdicts(found, tint) : h("p", { class: "card muted" }, found.groups[0].name === "settings unknown" ? `The settings of these ${count(found.runs.length)} runs are unknown: add groups, or make each run a group, to compare.` : `All ${count(found.runs.length)} runs are one group: choose another setting to group by, or add a group, to compare.`),
      sentences("What may not be concluded", found.limits), more(), curves(what, tint),
      h("div", { class: "board" }, tasksOf(found).map((task) => [outcomes(found, tint, task), several ? differences(found, tint, task) : null])),
      profile(what, tint),
      groupTable(found, tint), several || Object.keys(found.differences).length ? settings(found) : null, pairs(found), influences(found),
      sentences("How they were compared", found.notes),
      everyRun(found, tint),
      found.refused.length ? h("details", { class: "card refused" }, h("summary", {}, `${found.refused.length} could not be opened`), h("ul", {}, found.refused.slice(0, MOST_REFUSED).map((one) => h("li", {}, h("b", {}, one.path), ": ", one.reason)))) : null);
  }

  /** Of one run its place among earlier ones, of two where they part. */
  function more() {
    const keys = found.runs.map((one) => one.path), name = JSON.stringify([keys, what()]);
    if (keys.length !== 1 && keys.length !== 2) return null;
    if (said?.name === name) said.ask();
    else said = { name, ...saying(keys, what(), controller.signal) };
    return said.element;
  }
  function what() { return app.params.get("metric") ?? "reward"; }

  function curves(name, tint) {
    const shown = found.groups.slice(0, MOST_CURVES), every = [...new Set(shown.flatMap((group) => Object.keys(group.curves)))], tasks = every.slice(0, MOST_TASKS);
    const made = tasks.flatMap((task) => {
      const lines = shown.filter((group) => group.curves[task]).map((group) => {
        const { places, mean, low, high, contributing } = group.curves[task];
        return { name: group.name, color: tint.get(group.name), raw: { x: places, y: mean }, smooth: null, band: { x: places, low, high }, bandCounts: true, runs: contributing, levels: found.target === null ? [] : [found.target], levelNames: ["target"],
          told: (i) => `${low[i] === null ? "" : `${number(low[i])} to ${number(high[i])}, `}${contributing[i]} ${contributing[i] === 1 ? "run" : "runs"}` };
      });
      if (!lines.length) return [];
      const chart = chartOf({ name: `${metricNamed(name).title}${task ? ` on ${task}` : ""}`, heading: `Mean ${metricNamed(name).phrase}${task ? ` on ${task}` : ""}, with 95 % intervals over runs`, tall: true });
      chart.element.classList.add("wide");
      chart.set(lines, { clock: found.axis });
      const changing = lines.some((line) => line.runs.some((n) => n !== line.runs[0]));
      if (!changing) return [chart.element];
      const small = chartOf({ name: `Runs at each place${task ? ` on ${task}` : ""}`, heading: "Runs that measured something there", floor: 0 });
      small.element.classList.add("wide", "low");
      small.set(lines.map((line) => ({ ...line, band: null, levels: [], told: null, raw: { x: line.raw.x, y: line.runs } })), { clock: found.axis });
      return [chart.element, small.element];
    });
    const left = found.groups.length - shown.length;
    return h("div", { class: "board" }, made, h("p", { class: "wide muted small" }, h("span", { class: "legend" }, shown.map((group) => h("span", {}, h("i", { class: "swatch", css: { background: tint.get(group.name).css } }), `${group.name} (${group.counted})`))), left > 0 ? ` ${left} more groups are not drawn.` : "", every.length > tasks.length ? ` ${every.length - tasks.length} more environments are not drawn.` : "",
      ` Over the ${CLOCKS[found.axis] ?? found.axis}; nothing is interpolated. Where fewer than two runs measured something there is no interval.`));
  }

  function profile(name, tint) {
    const known = found.groups.slice(0, MOST_CURVES).filter((group) => group.profile?.thresholds.length);
    if (!known.length) return null;
    const chart = chartOf({ name: "Performance profile", heading: `Share of runs whose ${metricNamed(name).phrase} is above`, unit: "share" });
    chart.element.classList.add("wide");
    chart.set(known.map((group) => {
      const { thresholds, shares, low, high } = group.profile;
      return { name: group.name, color: tint.get(group.name), raw: { x: thresholds, y: shares }, smooth: null, band: { x: thresholds, low, high }, percent: true, told: (i) => `(${percent(low[i])} to ${percent(high[i])})` };
    }), { clock: "value" });
    return h("div", { class: "board" }, chart.element);
  }

  /** Ask again in a while; what comes meanwhile is part of that answer. */
  function later() { timer ||= setTimeout(() => { timer = 0; again({ quiet: true }); }, AGAIN_MS); }
  const seen = new Set();
  /** Whether a row may change the answer: of a run that is open, that stands otherwise, or that a pattern may mean. */
  function matters(row) {
    const status = known.get(row.key);
    if (status !== undefined) return row.is_open || status !== row.status;
    if (!app.params.has("group") || seen.has(row.key)) return false;
    seen.add(row.key);
    return true;
  }
  const stop = listen({}, { list: (news) => { if (news.rows.map(withFacts).filter(matters).length || news.gone.some((key) => known.has(key))) later(); }, again: later },
    { lost: () => app.lost(), back: () => { app.back(); again({ quiet: true }); } });
  return { kind: "groups", update, later, leave: () => { controller.abort(); clearTimeout(timer); stop(); for (const chart of charts.values()) chart.destroy(); charts.clear(); } };
}

/** What a person has opened, scrolled to and focused in a part of the page, to be put back when it is made anew. */
function kept(part, quiet) {
  const find = () => [...part.querySelectorAll("a[href], button, canvas, summary")], at = find().indexOf(document.activeElement);
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.className), left = [...part.querySelectorAll(".table-box")].map((one) => one.scrollLeft), top = scrollY;
  return () => {
    for (const one of part.querySelectorAll("details")) one.open = open.includes(one.className);
    part.querySelectorAll(".table-box").forEach((one, i) => { if (left[i]) one.scrollLeft = left[i]; });
    if (at >= 0) find()[at]?.focus({ preventScroll: true });
    if (quiet && scrollY !== top) scrollTo(0, top);
  };
}

/** Outcomes of different environments are on scales of their own. */
function tasksOf(found) {
  const all = Object.keys(found.horizons);
  return all.length > 1 ? all.slice(0, MOST_TASKS) : [null];
}

function verdicts(found, tint) {
  const all = found.comparisons, left = all.length - MOST_VERDICTS, least = (one) => one.adjusted_p ?? Infinity, counts = {};
  for (const one of all) counts[one.verdict] = (counts[one.verdict] ?? 0) + 1;
  const shown = left > 0 ? [...all].sort((a, b) => (least(a) < least(b) ? -1 : least(a) > least(b) ? 1 : 0)).slice(0, MOST_VERDICTS) : all;
  return h("section", { class: "verdicts", "aria-label": "What may be concluded" }, all.length > FEW_VERDICTS ? h("p", { class: "tally" }, h("b", {}, `${count(all.length)} comparisons: `), VERDICTS.filter((verdict) => counts[verdict]).map((verdict) => `${count(counts[verdict])} ${verdict}`).join(", "), ".") : null, shown.map((one) => h("article", { class: "verdict", "data-tone": found.tones[one.verdict] }, h("div", { class: "verdict-main" },
    h("div", { class: "verdict-name" }, h("b", { class: "verdict-title" }, one.verdict), h("span", {}, h("i", { class: "swatch", css: { background: tint.get(one.group).css } }), one.group, h("span", { class: "muted" }, " against "), h("i", { class: "swatch", css: { background: tint.get(one.baseline).css } }), one.baseline, one.task && Object.keys(found.horizons).length > 1 ? h("span", { class: "muted" }, ` on ${one.task}`) : null)),
    h("p", { class: "verdict-say" }, one.sentences[0]),
    one.sentences.length > 1 ? h("ul", { class: "said" }, one.sentences.slice(1).map((sentence) => h("li", {}, sentence))) : null))),
    left > 0 ? h("p", { class: "muted small" }, `These are the ${MOST_VERDICTS} that are shown best; the other ${count(left)} are among the differences below, and in the JSON.`) : null);
}

function sentences(heading, said) {
  return said.length ? h("section", { class: "card" }, h("header", {}, h("h2", {}, heading)), h("ul", { class: "said" }, said.map((one) => h("li", {}, one)))) : null;
}

/** What is said of one run among earlier ones, or of where two runs part; `ask` asks again, and keeps what it said until then. */
export function saying(keys, metric, signal) {
  const words = h("div", {}, h("p", { class: "muted" }, "Reading ..."));
  const answer = () => (keys.length === 1 ? ask("run/place", { run: keys[0], metric }, signal) : ask("compare/divergence", { run: keys }, signal));
  const again = () => answer().then((said) => put(words, said.sentences.map((sentence) => h("p", {}, sentence)))).catch((error) => { if (error.name !== "AbortError") put(words, h("p", { class: "muted" }, error.message)); });
  again();
  return { element: h("section", { class: "card" }, h("header", {}, h("h2", {}, keys.length === 1 ? "Among earlier runs" : "Where they part")), words), ask: again };
}
