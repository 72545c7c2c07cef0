// Groups of runs held against each other: what may be concluded, learning curves, differences, profiles.

import { h, put, select } from "./dom.js";
import { address, ask, listen, metrics } from "./api.js";
import { Chart } from "./chart.js";
import { color } from "./curves.js";
import { CLOCKS, count, number, percent, title } from "./format.js";
import { differences, outcomes } from "./whiskers.js";
import { everyRun, groupTable, influences, pairs, settings } from "./evidence.js";

const KEPT = ["metric", "statistic", "axis", "by", "baseline", "target", "margin", "lower_is_better", "every_pair"];
const STATISTICS = [["final", "the last tenth"], ["area", "the whole training"], ["best", "the best stretch"]];
const TONE = { better: "good", worse: "bad", different: "neutral", "the same": "neutral" };
const AXES = [["", "by what all runs have"], ["env_step", "by environment step"], ["episode", "by episode"], ["update", "by update"], ["time", "by time"]];
const MOST_CURVES = 12, MOST_VERDICTS = 12, AGAIN_MS = 15_000;

/** What the address asks of the API. */
export function questionOf(app) {
  const asked = { run: app.params.getAll("run"), group: app.params.getAll("group") };
  for (const name of KEPT) asked[name] = app.params.get(name);
  return asked;
}

export function groupsView(box, app, { found, trouble, again }) {
  const controls = h("div", { class: "controls" }), inside = h("div", { class: "compared" }), controller = new AbortController();
  let charts = [], timer = 0;
  put(box, controls, inside);
  const change = (changes) => { app.keep(changes); again(); };
  ask_controls();
  if (!found) put(inside, h("p", { class: "empty" }, trouble ?? ""));
  else show();

  function ask_controls() {
    const now = questionOf(app), named = found ? [...new Set([...Object.keys(found.differences), ...found.groups.flatMap((group) => Object.keys(group.varying))])] : [];
    if (now.by && now.by !== "run" && !named.includes(now.by)) named.unshift(now.by);
    const list = h("datalist", { id: "metrics" }), metric = field("metric", now.metric ?? "reward", "Metric", { list: "metrics" });
    metrics().then((all) => put(list, ["episodes", "evaluations", "updates"].flatMap((stream) => Object.keys(all[stream] ?? {}).map((name) => h("option", { value: stream === "episodes" ? name : `${stream}.${name}` })))));
    put(controls, list, h("label", { class: "asked" }, "Metric ", metric),
      select("What a run comes to", STATISTICS, now.statistic ?? "final", (statistic) => change({ statistic: statistic === "final" ? null : statistic })),
      select("What makes a group", [["", "groups: same settings"], ["run", "groups: each run"], ...named.map((name) => [name, `groups: ${name}`])], now.by ?? "", (by) => change({ by, baseline: null })),
      found && found.groups.length > 1 ? select("Held against", found.groups.map((group) => [group.name, `against ${group.name}`]), found.groups[0].name, (baseline) => change({ baseline })) : null,
      select("Brought together", AXES, now.axis ?? "", (axis) => change({ axis })),
      h("label", { class: "asked" }, "Target ", field("target", now.target ?? "", "A mean to reach", { type: "number", step: "any" })),
      h("label", { class: "asked" }, "Same within ± ", field("margin", now.margin ?? "", "Within which groups count as the same", { type: "number", step: "any", min: 0 })),
      h("span", { class: "grow" }), h("a", { class: "quiet", href: address("compare/groups", now) }, "JSON"));
  }
  function field(name, value, label, more) {
    return h("input", { ...more, class: "narrow", value, "aria-label": label, onchange: (event) => change({ [name]: event.target.value.trim(), ...(name === "metric" ? { target: null, margin: null } : {}) }) });
  }

  function show() {
    const tint = new Map(found.groups.map((group, i) => [group.name, color(i)])), what = found.metric.replace(/^episodes\./, "");
    const several = found.groups.length > 1;
    put(inside,
      several ? verdicts(found, tint) : h("p", { class: "card muted" }, `All ${count(found.runs.length)} runs are one group: choose another setting to group by, or add a group, to compare.`),
      more(), curves(what, tint),
      h("div", { class: "board" }, outcomes(found, tint), several ? differences(found, tint) : null),
      profile(what, tint),
      groupTable(found, tint), several || Object.keys(found.differences).length ? settings(found) : null, pairs(found), influences(found),
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "How they were compared")), h("ul", { class: "said" }, found.notes.map((note) => h("li", {}, note)))),
      everyRun(found, tint),
      found.refused.length ? h("details", { class: "card refused" }, h("summary", {}, `${found.refused.length} could not be opened`), h("ul", {}, found.refused.map((one) => h("li", {}, one.reason)))) : null);
  }

  /** Of one run its place among earlier ones, of two where they part. */
  function more() {
    const keys = found.runs.map((one) => one.path);
    return keys.length === 1 || keys.length === 2 ? saying(keys, what(), controller.signal) : null;
  }
  function what() { return app.params.get("metric") ?? "reward"; }

  function curves(name, tint) {
    const shown = found.groups.slice(0, MOST_CURVES), tasks = [...new Set(shown.flatMap((group) => Object.keys(group.curves)))];
    const made = tasks.flatMap((task) => {
      const lines = shown.filter((group) => group.curves[task]).map((group) => {
        const { places, mean, low, high, contributing } = group.curves[task];
        return { name: group.name, color: tint.get(group.name), raw: { x: places, y: mean }, smooth: null, band: { x: places, low, high }, bandCounts: true, runs: contributing, levels: found.target === null ? [] : [found.target], levelNames: ["target"],
          told: (i) => `${low[i] === null ? "" : `${number(low[i])} to ${number(high[i])}, `}${contributing[i]} ${contributing[i] === 1 ? "run" : "runs"}` };
      });
      if (!lines.length) return [];
      const chart = new Chart({ name: `${title(name)}${task ? ` on ${task}` : ""}`, heading: `Mean ${name}${task ? ` on ${task}` : ""}, with 95 % intervals over runs`, tall: true });
      chart.element.classList.add("wide");
      chart.set(lines, { clock: found.axis });
      charts.push(chart);
      const changing = lines.some((line) => line.runs.some((n) => n !== line.runs[0]));
      if (!changing) return [chart.element];
      const small = new Chart({ name: `Runs at each place${task ? ` on ${task}` : ""}`, heading: "Runs that measured something there", floor: 0 });
      small.element.classList.add("wide", "low");
      small.set(lines.map((line) => ({ ...line, band: null, levels: [], told: null, raw: { x: line.raw.x, y: line.runs } })), { clock: found.axis });
      charts.push(small);
      return [chart.element, small.element];
    });
    const left = found.groups.length - shown.length;
    return h("div", { class: "board" }, made, h("p", { class: "wide muted small" }, h("span", { class: "legend" }, shown.map((group) => h("span", {}, h("i", { class: "swatch", css: { background: tint.get(group.name)() } }), `${group.name} (${group.counted})`))), left > 0 ? ` ${left} more groups are not drawn.` : "",
      ` Over the ${CLOCKS[found.axis] ?? found.axis}; nothing is interpolated. Where fewer than two runs measured something there is no interval.`));
  }

  function profile(name, tint) {
    const known = found.groups.slice(0, MOST_CURVES).filter((group) => group.profile?.thresholds.length);
    if (!known.length) return null;
    const chart = new Chart({ name: "Performance profile", heading: `Share of runs whose ${name} is above`, unit: "share" });
    chart.element.classList.add("wide");
    chart.set(known.map((group) => {
      const { thresholds, shares, low, high } = group.profile;
      return { name: group.name, color: tint.get(group.name), raw: { x: thresholds, y: shares }, smooth: null, band: { x: thresholds, low, high }, percent: true, told: (i) => `(${percent(low[i])} to ${percent(high[i])})` };
    }), { clock: "value" });
    charts.push(chart);
    return h("div", { class: "board" }, chart.element);
  }

  const keys = new Set(found?.runs.filter((one) => one.status === "running").map((one) => one.path));
  const stop = keys.size ? listen({}, { list: (news) => { if (!timer && news.rows.some((row) => keys.has(row.key))) timer = setTimeout(again, AGAIN_MS); }, again: () => {} }, { lost: () => app.lost(), back: () => { app.back(); again(); } }) : () => {};
  return () => { controller.abort(); clearTimeout(timer); stop(); for (const chart of charts) chart.destroy(); charts = []; };
}

function verdicts(found, tint) {
  const shown = found.comparisons.slice(0, MOST_VERDICTS), left = found.comparisons.length - shown.length;
  return h("section", { class: "verdicts", "aria-label": "What may be concluded" }, shown.map((one) => h("article", { class: "verdict", "data-tone": TONE[one.verdict] ?? null }, h("div", { class: "verdict-main" },
    h("div", { class: "verdict-name" }, h("b", { class: "verdict-title" }, one.verdict), h("span", {}, h("i", { class: "swatch", css: { background: tint.get(one.group)() } }), one.group, h("span", { class: "muted" }, " against "), h("i", { class: "swatch", css: { background: tint.get(one.baseline)() } }), one.baseline, one.task && Object.keys(found.horizons).length > 1 ? h("span", { class: "muted" }, ` on ${one.task}`) : null)),
    h("p", { class: "verdict-say" }, one.sentences[0]),
    one.sentences.length > 1 ? h("ul", { class: "said" }, one.sentences.slice(1).map((sentence) => h("li", {}, sentence))) : null))),
    left > 0 ? h("p", { class: "muted small" }, `${left} more comparisons: see the table of differences, or the JSON.`) : null);
}

/** What is said of one run among earlier ones, or of where two runs part. */
export function saying(keys, metric, signal) {
  const [heading, asked] = keys.length === 1 ? ["Among earlier runs", ask("run/place", { run: keys[0], metric }, signal)] : ["Where they part", ask("compare/parting", { run: keys }, signal)];
  const words = h("div", {}, h("p", { class: "muted" }, "Reading ..."));
  asked.then((said) => put(words, said.sentences.map((sentence) => h("p", {}, sentence)))).catch((error) => put(words, h("p", { class: "muted" }, error.message)));
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, heading)), words);
}
