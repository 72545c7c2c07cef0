// Tables of a comparison: groups, differences, items, settings that matter, all runs; and the card about one or two runs.

import { ask, unlessAborted } from "./api.js";
import { h, put } from "./dom.js";
import { ABSENT, count, interval, isBad, number, percent } from "./format.js";
import { bullets, card, hint, named, runLink, small, status, table } from "./widgets.js";

const MOST_GROUPS = 40, MOST_RUNS = 300, MOST_SETTINGS = 30, MOST_INFLUENCES = 15, MOST_PAIRED = 60;
const MOST_VARYING = 3, MOST_VALUES = 4;

const range = (title, of) => [title, (one) => interval(of(one)) || h("span", { class: "muted" }, ABSENT), "num"];
const figure = (title, of, show = number) => [title, (one) => show(of(one)), "num"];
const section = (heading, about, columns, rows, options) => card(heading, about ? hint(about) : null, table(columns, rows, options));

function said(value) {
  if (Array.isArray(value)) return value.map(said).join(", ");
  return value == null ? "unknown" : typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function groupTable({ groups, statistic, target }, tint) {
  const estimate = (name) => (group) => group.estimates[statistic][name].estimate, exact = (name) => (group) => group.estimates[statistic][name];
  const varying = (group) => Object.entries(group.varying).slice(0, MOST_VARYING).map(([name, values]) => `${name}: ${values.slice(0, MOST_VALUES).map(said).join(", ")}`);
  const name = (group) => [named(tint.get(group.name), group.name), varying(group).length ? small(`varying within the group: ${varying(group).join("; ")}`) : null];
  const odd = (group) => [group.worst && `${group.worst} without outcome`, group.left_out && `${group.left_out} left out`].filter(Boolean).join(", ");
  return section("Groups", "", [
    ["Group", name], ["Runs", (group) => [count(group.counted), small(odd(group))], "num"],
    figure("Mean", estimate("mean")), range("95 % interval", exact("mean")), figure("Median", estimate("median")), figure("IQM", estimate("iqm")),
    figure("Std", exact("spread")), figure("Min", exact("lowest")), figure("Max", exact("highest")),
    groups.some((group) => group.optimality_gap) && figure("Optimality gap", (group) => group.optimality_gap?.estimate),
    target !== null && ["Reached target", ({ target: own }) => (own ? `${own.reached} of ${own.runs}` : ABSENT), "num"],
    target !== null && figure("Restricted mean to target", (group) => group.target?.restricted_mean.estimate),
  ], groups, { most: MOST_GROUPS });
}

export function settings({ differences, groups }) {
  const names = Object.keys(differences), columns = groups.slice(0, MOST_GROUPS).map(({ name }) => [name, (setting) => said(differences[setting][name])]);
  if (!names.length) return card("Differences", null, h("p", { class: "muted" }, "No recorded setting, version or commit differs between the groups."));
  const about = "settings, versions and commits that differ between groups";
  return section("Differences", about, [["", (setting) => setting], ...columns], names, { most: MOST_SETTINGS });
}

export function pairs({ paired }) {
  if (!paired.length) return null;
  const about = "last evaluations on the same items; the result holds for more items and for these runs";
  return section("Item by item", about, [
    ["Group", (row) => row.group], ["Baseline", (row) => row.baseline], ["Metric", (row) => row.metric], ["Category", (row) => row.category || "all"],
    ["Items", (row) => [count(row.items), row.unshared ? hint(`, ${row.unshared} not shared`) : ""], "num"],
    figure("Difference", (row) => row.difference.estimate), range("95 % interval", (row) => row.difference),
    figure("Share better", (row) => row.improved.estimate, percent),
    ["Verdict", (row) => row.verdict, "", (row) => ({ better: "good", worse: "bad" })[row.verdict] ?? "muted"],
  ], paired, { most: MOST_PAIRED });
}

export function influences({ settings: known }) {
  if (!known) return null;
  const together = known.interactions.map(([one, other]) => `${one} and ${other} interact: the effect of each depends on the other.`);
  const next = [...known.advice, ...together];
  return h("div", {}, section("Which settings matter", known.verdict, [
    ["Setting", (one) => one.name], ["Has an effect", (one) => (one.matters ? "yes" : "not shown")],
    figure("Variance explained", (one) => Math.max(0, one.share), percent), figure("Best at", (one) => one.best, said), figure("Worst at", (one) => one.worst, said),
    figure("Difference", (one) => one.difference.estimate), range("95 % interval", (one) => one.difference),
    figure("p (all settings)", (one) => one.adjusted_p, (p) => number(p, 2)),
  ], known.influences, { tone: (one) => (one.matters ? "strong" : "muted"), most: MOST_INFLUENCES }),
  next.length ? card("What to try next", null, bullets(next)) : null);
}

export function everyRun({ runs, target }, tint) {
  const tasks = new Set(runs.map((one) => one.task)).size > 1;
  const outcome = (title, name) => [...figure(title, (one) => one.outcomes[name]), (one) => (isBad(one.outcomes[name]) ? "bad" : "")];
  return h("details", { class: "card runs-told" }, h("summary", {}, h("b", {}, "Runs"), h("span", { class: "muted" }, ` ${count(runs.length)} runs with their results`)), table([
    ["Run", (one) => runLink(one.path)], ["Group", (one) => named(tint.get(one.group), one.group)], tasks && ["Environment", (one) => one.task || ABSENT],
    ["Seed", (one) => (one.seed === null ? ABSENT : said(one.seed))], ["Status", (one) => status(one.status)],
    outcome("Final", "final"), outcome("Whole run", "area"), outcome("Best", "best"), target !== null && figure("Steps to target", (one) => one.steps_to_target),
    ["Non-finite", (one) => (one.not_finite ? count(one.not_finite) : ABSENT), "num"],
    ["Counted as", (one) => [one.standing, one.reason ? `: ${one.reason}` : ""], "", (one) => (one.standing === "counted" ? "muted" : "")],
  ], runs, { most: MOST_RUNS }));
}

/** Card with the rank of one run among earlier runs, or with the divergence of two runs. `again` reloads it. */
export function relationCard(keys, metric, signal) {
  const one = keys.length === 1, words = h("div", {}, h("p", { class: "muted" }, "Loading ..."));
  const say = (sentences, kind = "") => put(words, sentences.map((sentence) => h("p", { class: kind }, sentence)));
  const again = () => ask(one ? "run/place" : "compare/divergence", { run: keys, ...(one ? { metric } : {}) }, signal)
    .then((answer) => say(answer.sentences)).catch(unlessAborted((error) => say([error.message], "muted")));
  again();
  return { element: card(one ? "Rank among earlier runs" : "Where the two runs diverge", null, words), again };
}
