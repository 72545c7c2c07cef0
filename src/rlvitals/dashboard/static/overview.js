// The overview: reward, quality, length, success, and why episodes end.

import { h, put, select } from "./dom.js";
import { board, viewControls } from "./curves.js";
import { metricOf, panel as panelOf } from "./dictionary.js";
import { ABSENT, count, formatValue, percent } from "./format.js";
import { intervalBars } from "./badges.js";
import { saying } from "./groups.js";

const EVERY_MS = 10_000;

export function overview(panel, run, controls) {
  const has = new Set(run.head.fields.episodes);
  const grid = h("div", { class: "board" }), groups = h("div", { class: "board sides" });
  if (!has.has("reward")) {
    put(panel, h("p", { class: "empty" }, run.head.is_open ? "The curves begin with the first episode that ends." : "No reward was recorded."));
    return () => clear(run);
  }
  const earlier = h("button", { type: "button", class: "button", onclick: () => earlier.replaceWith(saying([run.key], "reward").element) }, "Where it stands among earlier runs");
  put(panel, run.head.reward_source ? h("p", { class: "muted" }, `No episodes were recorded. The reward is the ${run.head.reward_source}.`) : null, grid, groups, earlier);
  const wanted = panelOf("episodes", "outcome").filter(({ name }) => has.has(name)).filter(({ name }) => name !== "quality_improvement" || !has.has("quality_final") || has.has("quality_initial"))
    .map((metric, tint) => ({ stream: "episodes", field: metric.name, tint, ...(metric.format === "percent" ? { smoothOnly: true } : {}), ...(metric.name === "reward" ? { tall: true, wide: true } : {}) }));
  const charts = board(run, grid, wanted);
  let by = "category", next = 0, timer = 0;

  async function share() {
    next = performance.now() + EVERY_MS;
    const view = run.view, range = { clock: view.clock, from: view.range?.[0], to: view.range?.[1] };
    const kinds = ["category", "difficulty"].filter((name) => has.has(name));
    if (!kinds.includes(by)) by = kinds[0];
    const [types, ends] = await Promise.all([by ? run.ask("run/groups", { by, ...range }) : null, has.has("termination_reason") ? run.ask("run/groups", { by: "termination_reason", ...range }) : null]);
    // Shares are of the episodes whose end was reported; the rest stands in the table alone.
    const told = ends?.groups.filter((group) => group.name !== null) ?? [], total = told.reduce((sum, group) => sum + group.episodes, 0);
    put(groups,
      types && types.groups.length ? h("section", { class: "card", "aria-label": "Success by type" }, h("header", {}, h("h2", {}, "Success by type"), h("span", { class: "grow" }), kinds.length > 1 ? select("Grouped by", kinds.map((kind) => [kind, kind]), by, (kind) => { by = kind; share(); }) : null),
        types.groups.some((group) => group.known) ? intervalBars(types.groups.slice(0, 12).map((group) => ({ name: group.name ?? "(none)", value: group.rate.estimate, low: group.rate.low, high: group.rate.high })), "Success rate by type, with 95 % intervals") : null,
        table(types.groups)) : null,
      told.length ? h("section", { class: "card", "aria-label": "How episodes end" }, h("header", {}, h("h2", {}, "How episodes end")),
        intervalBars(told.slice(0, 12).map((group) => ({ name: group.name, value: group.episodes / total, note: count(group.episodes), tone: "plain" })), "Shares of the ways in which episodes end"),
        table(ends.groups, "not reported")) : null);
  }
  const quietly = () => share().catch(() => {});
  viewControls(run, controls);
  charts.first.then(quietly);
  run.refresh = () => { viewControls(run, controls); charts.load().then(quietly); };
  run.onhead = () => charts.head();
  run.ongrown = (news) => {
    charts.grown(news);
    if (news.stream === "episodes" && !timer) timer = setTimeout(() => { timer = 0; quietly(); }, Math.max(500, next - performance.now()));
  };
  return () => { clearTimeout(timer); charts.destroy(); clear(run); };
}

function table(groups, unnamed = "(none)") {
  const metrics = ["reward", "quality_final", "length"].map((name) => metricOf("episodes", name));
  const cells = [["episodes", "Episodes", count], ...metrics.map((metric) => [metric.name, metric.label, (value) => formatValue(metric, value, 3)])].filter(([name]) => groups.some((group) => group[name] !== null && group[name] !== undefined));
  return h("div", { class: "table-box" }, h("table", { class: "plain kinds" }, h("thead", {}, h("tr", {}, h("th", {}, ""), cells.map(([, text]) => h("th", { class: "num", scope: "col" }, text)), h("th", { class: "num", scope: "col" }, metricOf("episodes", "success").label))),
    h("tbody", {}, groups.slice(0, 12).map((group) => h("tr", {}, h("th", { scope: "row" }, group.name ?? unnamed), cells.map(([name, , show]) => h("td", { class: "num" }, show(group[name]))),
      h("td", { class: "num" }, group.known ? [percent(group.rate.estimate), group.known < group.episodes ? ` of ${count(group.known)}` : "", group.rate.low !== null ? h("span", { class: "muted interval" }, ` ${Math.round(100 * group.rate.low)}–${percent(group.rate.high)}`) : ""] : ABSENT))))));
}

export function clear(run) { run.refresh = run.ongrown = run.onhead = run.onevents = run.onevaluations = null; }
