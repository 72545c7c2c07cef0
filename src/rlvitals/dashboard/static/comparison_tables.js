// Tables of a comparison: groups, what differs, items, settings that matter, every run.

import { h } from "./dom.js";
import { ABSENT, count, isBad, number, percent } from "./format.js";
import { status } from "./badges.js";

const MOST_GROUPS = 40, MOST_RUNS = 300, MOST_SETTINGS = 30, MOST_INFLUENCES = 15, MOST_PAIRED = 60;

const th = (text, more) => h("th", { scope: "col", ...more }, text);
const num = (...inside) => h("td", { class: "num" }, inside);
const between = (range, show = number) => (range.low === null ? h("span", { class: "muted" }, ABSENT) : `${show(range.low)} to ${show(range.high)}`);
const section = (heading, hint, head, rows, left = 0) => h("section", { class: "card" }, h("header", {}, h("h2", {}, heading), hint ? h("span", { class: "muted small" }, hint) : null),
  h("div", { class: "table-box" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows))), left > 0 ? h("p", { class: "muted small" }, `${count(left)} more: the JSON has all.`) : null);
const swatch = (group, tint) => h("i", { class: "swatch", css: { background: tint.get(group)?.css ?? "transparent" } });

export function groupTable(found, tint) {
  const groups = found.groups.slice(0, MOST_GROUPS), gap = groups.some((group) => group.optimality_gap), reached = found.target !== null;
  const columns = ["Runs", "Mean", "95 % interval", "Median", "IQM", "Spread", "Lowest", "Highest", ...(gap ? ["Optimality gap"] : []), ...(reached ? ["Reached the target", "Mean way to it"] : [])];
  return section("Groups", "", [th("Group"), columns.map((text) => th(text, { class: "num" }))], groups.map((group) => {
    const { mean, median, iqm, spread, lowest, highest } = group.estimates[found.statistic];
    const odd = [group.worst ? `${group.worst} without outcome` : "", group.left_out ? `${group.left_out} left out` : ""].filter(Boolean).join(", ");
    const varying = Object.entries(group.varying).slice(0, 3).map(([name, values]) => `${name}: ${values.slice(0, 4).map(said).join(", ")}`);
    return h("tr", {}, h("th", { scope: "row" }, swatch(group.name, tint), group.name, varying.length ? h("div", { class: "muted small" }, `within it vary ${varying.join("; ")}`) : null),
      num(count(group.counted), odd ? h("div", { class: "muted small" }, odd) : null), num(number(mean.estimate)), num(between(mean)), num(number(median.estimate)), num(number(iqm.estimate)), num(number(spread)), num(number(lowest)), num(number(highest)),
      gap ? num(number(group.optimality_gap?.estimate)) : null,
      reached ? [num(group.target ? `${group.target.reached} of ${group.target.runs}` : ABSENT), num(number(group.target?.restricted_mean.estimate))] : null);
  }), found.groups.length - groups.length);
}

const said = (value) => (value === null || value === undefined ? "unknown" : Array.isArray(value) ? value.map(said).join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value));

export function settings(found) {
  const names = Object.keys(found.differences), groups = found.groups.slice(0, MOST_GROUPS);
  if (!names.length) return h("section", { class: "card" }, h("header", {}, h("h2", {}, "What differs")), h("p", { class: "muted" }, "Nothing that was recorded of their settings, versions and commit differs between the groups."));
  return section("What differs", "settings, versions and commit that are not the same in all groups", [th(""), groups.map((group) => th(group.name))], names.slice(0, MOST_SETTINGS).map((name) => h("tr", {}, h("th", { scope: "row" }, name), groups.map((group) => h("td", {}, said(found.differences[name][group.name]))))), names.length - MOST_SETTINGS);
}

export function pairs(found) {
  if (!found.paired.length) return null;
  return section("Item by item", "last evaluations on the same items; what is concluded holds for further items, and for these runs", ["Group", "Against", "Metric", "Category"].map((text) => th(text)).concat(["Items", "Difference", "95 % interval", "Better on"].map((text) => th(text, { class: "num" })), th("")),
    found.paired.slice(0, MOST_PAIRED).map((row) => h("tr", {}, h("th", { scope: "row" }, row.group), h("td", {}, row.baseline), h("td", {}, row.metric), h("td", {}, row.category || "all"), num(count(row.items), row.unshared ? h("span", { class: "muted small" }, `, ${row.unshared} not shared`) : null), num(number(row.difference.estimate)), num(between(row.difference)), num(percent(row.improved.estimate)), h("td", { class: row.verdict === "better" ? "good" : row.verdict === "worse" ? "bad" : "muted" }, row.verdict))), found.paired.length - MOST_PAIRED);
}

export function influences(found) {
  const known = found.settings;
  if (!known) return null;
  const shown = known.influences.slice(0, MOST_INFLUENCES);
  return h("div", {}, section("Which settings matter", known.verdict, [th("Setting"), th("Matters"), ["Share of the variance", "Best", "Worst", "Difference", "95 % interval", "p, adjusted"].map((text) => th(text, { class: "num" }))], shown.map((one) => h("tr", { class: one.matters ? "strong" : "muted" }, h("th", { scope: "row" }, one.name), h("td", {}, one.matters ? "yes" : "not shown"), num(percent(Math.max(0, one.share))), num(said(one.best)), num(said(one.worst)), num(number(one.difference.estimate)), num(between(one.difference)), num(number(one.adjusted_p, 2)))), known.influences.length - shown.length),
    known.advice.length || known.interactions.length ? h("section", { class: "card" }, h("header", {}, h("h2", {}, "What to try next")), h("ul", { class: "said" }, known.advice.map((sentence) => h("li", {}, sentence)), known.interactions.map(([one, other]) => h("li", {}, `${one} and ${other} do not just add up: what one does depends on the other.`)))) : null);
}

export function everyRun(found, tint) {
  const target = found.target !== null, tasks = new Set(found.runs.map((one) => one.task)).size > 1, shown = found.runs.slice(0, MOST_RUNS);
  return h("details", { class: "card runs-told" }, h("summary", {}, h("b", {}, `Every run`), h("span", { class: "muted" }, ` ${count(found.runs.length)}: what it came to, and whether it counts`)),
    h("div", { class: "table-box" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["Run", "Group", ...(tasks ? ["Environment"] : []), "Seed", "Status"].map((text) => th(text)), ["Final", "Whole", "Best", ...(target ? ["To the target"] : []), "Not finite"].map((text) => th(text, { class: "num" })), th("Counts"))),
      h("tbody", {}, shown.map((one) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: `/run?run=${encodeURIComponent(one.path)}`, "data-nav": true }, one.path)), h("td", {}, swatch(one.group, tint), one.group), tasks ? h("td", {}, one.task || ABSENT) : null, h("td", {}, one.seed === null ? ABSENT : said(one.seed)), h("td", {}, status(one.status)),
        ["final", "area", "best"].map((name) => h("td", { class: isBad(one.outcomes[name]) ? "num bad" : "num" }, number(one.outcomes[name]))), target ? num(number(one.steps_to_target)) : null, num(one.not_finite ? count(one.not_finite) : ABSENT), h("td", { class: one.standing === "counted" ? "muted" : "" }, one.standing, one.reason ? `: ${one.reason}` : "")))))),
    found.runs.length > shown.length ? h("p", { class: "muted small" }, `${count(found.runs.length - shown.length)} more: the JSON has all.`) : null);
}
