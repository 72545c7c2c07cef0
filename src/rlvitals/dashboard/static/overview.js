// The overview tab: reward, quality, length, success rates, and how episodes end.

import { board, rangeOf, viewControls } from "./curves.js";
import { episodeValue, metricOf, panel as panelOf, title } from "./dictionary.js";
import { h, put } from "./dom.js";
import { ABSENT, count, number, percent } from "./format.js";
import { relationCard } from "./comparison_tables.js";
import { shareBars } from "./interval_chart.js";
import { button, card, empty, grow, select, table } from "./widgets.js";

const EVERY_MS = 10_000, SOON_MS = 500, MOST_GROUPS = 12;

export function overview(panel, run, controls) {
  const has = new Set(run.head.fields.episodes), source = run.head.reward_source;
  const grid = h("div", { class: "board" }), groups = h("div", { class: "board sides" });
  if (!has.has("reward")) {
    put(panel, empty(run.head.is_open ? "No episodes yet. Curves appear after the first episode." : "No rewards were recorded. Record episodes with monitor.log_episode(...)."));
    return {};
  }
  const rank = button("Rank among earlier runs", () => rank.replaceWith(relationCard([run.key], "reward").element));
  put(panel, source ? h("p", { class: "muted" }, `No episodes were recorded. The reward shown is the ${source}.`) : null, grid, groups, rank);
  const isRepeated = (name) => name === "quality_improvement" && has.has("quality_final") && !has.has("quality_initial");
  const wanted = panelOf("episodes", "outcome").filter(({ name }) => has.has(name) && !isRepeated(name)).map(({ name, format }, tint) =>
    ({ stream: "episodes", field: name, tint, smoothOnly: format === "percent", tall: name === "reward", wide: name === "reward" }));
  const custom = run.head.objectives.map((field, i) => ({ stream: "episodes", field, heading: title(field.replace("extra.", ""), "episodes"), tint: wanted.length + i }));
  const charts = board(run, grid, [...wanted, ...custom]), kinds = ["category", "difficulty"].filter((name) => has.has(name));
  let [by] = kinds, next = 0, timer = 0;

  async function shares() {
    next = performance.now() + EVERY_MS;
    const ask = (by) => run.ask("run/groups", { by, ...rangeOf(run.view) }).then((answer) => answer.groups);
    const [types, ends] = await Promise.all([by ? ask(by) : [], has.has("termination_reason") ? ask("termination_reason") : []]);
    // Shares cover the episodes with a reported end. The table also counts the remaining ones.
    const named = ends.filter((group) => group.name !== null), total = named.reduce((sum, group) => sum + group.episodes, 0);
    const choice = kinds.length > 1 ? select("Group by", kinds.map((kind) => [kind, kind]), by, (kind) => { by = kind; shares(); }) : null;
    const success = types.some((group) => group.known) && shareBars(`Success rate by ${by}, with 95 % intervals`,
      types.slice(0, MOST_GROUPS).map(({ name, rate }) => ({ name: name ?? "(none)", ...rate })));
    const ways = shareBars("Shares of termination reasons", named.slice(0, MOST_GROUPS)
      .map(({ name, episodes }) => ({ name, estimate: episodes / total, note: count(episodes), tone: "plain" })));
    put(groups, types.length ? card(`Success by ${by}`, [grow(), choice], success, groupTable(types)) : null,
      named.length ? card("How episodes end", null, ways, groupTable(ends, "not reported")) : null);
  }
  const quietly = () => shares().catch(() => {});
  const draw = () => viewControls(controls, run.view, run.change, { categories: run.head.labels["episodes.category"] });
  draw();
  charts.first.then(quietly);
  return {
    ...charts,
    refresh: () => { draw(); charts.load().then(quietly); },
    grown: (news) => {
      charts.grown(news);
      if (news.stream === "episodes") timer ||= setTimeout(() => { timer = 0; quietly(); }, Math.max(SOON_MS, next - performance.now()));
    },
    leave: () => { clearTimeout(timer); charts.leave(); },
  };
}

function groupTable(groups, unnamed = "(none)") {
  const column = (name, title, show) => groups.some((group) => group[name] != null) && [title, (group) => show(group[name]), "num"];
  const success = ({ rate, known, episodes }) => (known ? [
    percent(rate.estimate), known < episodes ? ` of ${count(known)}` : "",
    rate.low === null ? "" : h("span", { class: "muted interval" }, ` ${Math.round(100 * rate.low)}–${percent(rate.high)}`)] : ABSENT);
  return table([
    ["", (group) => group.name ?? unnamed], column("episodes", "Episodes", count),
    ...["reward", "quality_final", "length"].map((name) => column(name, metricOf("episodes", name).label, (value) => episodeValue(name, value, 3))),
    [metricOf("episodes", "success").label, success, "num"],
    ...Object.keys(groups[0]?.objectives ?? {}).map((name) => [`Median ${metricOf("episodes", name).phrase}`, ({ objectives }) => number(objectives[name]), "num"]),
  ], groups.slice(0, MOST_GROUPS), { kind: "kinds" });
}
