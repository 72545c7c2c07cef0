// Header of the page of a run: name, status, verdict, health, key figures and findings.

import { levelInterval, title } from "./dictionary.js";
import { h, refill, tip } from "./dom.js";
import { ago, count, isBad, moment, number, percent, span } from "./format.js";
import { button, progress, ring, status } from "./widgets.js";

const UNKNOWN = { tone: "neutral", title: "Checking", text: "The run is being checked." };
/** Range shown on either side of the onset of a finding, as a share of the run. */
const AROUND = 0.06;
const opened = new Set();

/** Draw the header. Update only the times if nothing changed or while a hint is open. */
export function header(top, run) {
  const { head, drawn, view: { clock } } = run, now = Date.now() / 1000 - run.skew;
  if ((head === drawn?.head && clock === drawn.clock) || top.querySelector(":popover-open")) {
    top.querySelector(".facts").replaceWith(facts(head, now));
    return;
  }
  run.drawn = { head, clock };
  const verdict = head.verdict ?? UNKNOWN, labels = [head.project, ...head.tags].filter(Boolean).join(" · ");
  refill(top,
    h("div", { class: "verdict", "data-tone": verdict.tone },
      h("div", { class: "verdict-main" },
        h("div", { class: "verdict-name" }, h("h1", {}, head.run_id), status(head.status, head.reason), h("span", { class: "muted" }, labels)),
        h("p", { class: "verdict-say" }, h("b", { class: "verdict-title" }, verdict.title), " ", verdict.text),
        verdict.next ? h("p", { class: "verdict-next" }, h("b", {}, "Next: "), verdict.next) : null,
        facts(head, now)),
      head.health ? health(head) : h("div", { class: "health muted" }, "checking ...")),
    tiles(head),
    head.findings.length ? h("section", { class: "findings", "aria-label": "Findings" }, head.findings.map((one) => finding(one, run))) : null);
}

function facts(head, now) {
  const ran = head.is_open ? `running for ${span(head.duration)}` : `${head.is_replayed ? "" : `duration ${span(head.duration)}, `}started ${moment(head.started)}`;
  const listed = head.findings.some((one) => Object.keys(one.evidence).some((name) => name.startsWith("records_dropped")));
  const done = head.progress !== null && h("span", { class: "fact-progress" }, progress(head.progress),
    ` ${percent(head.progress)} of ${count(head.goal)} steps`, head.seconds_left === null ? "" : h("b", {}, `, ${span(head.seconds_left)} left`));
  return h("div", { class: "facts" }, done,
    h("span", { title: moment(head.started) }, ran), h("span", {}, `last record ${ago(now - head.updated)}`),
    head.dropped_text && !listed ? h("span", { class: "bad" }, head.dropped_text) : null);
}

function health(head) {
  const { score, status: state, deductions } = head.health, skipped = Object.entries(head.skipped_rules);
  const verdict = score === null ? `Not judged yet: ${head.evidence}.`
    : `${score} of 100. ${deductions.length ? "Points are deducted for these findings:" : "No finding lowers the score."}`;
  const missing = skipped.map(([code, wanted]) => `${code}: ${wanted.join(", ")}`).join("; ");
  const more = tip("About the health score", () => [h("p", {}, verdict),
    deductions.length ? h("ul", {}, deductions.map((one) => h("li", {}, `-${one.points}  ${one.reason}`))) : null,
    missing ? h("p", { class: "muted" }, `Rules skipped: ${missing}.`) : null]);
  return h("div", { class: "health" }, ring(score, state),
    h("div", {}, h("b", {}, "Health"), more, score === null ? h("div", { class: "muted small" }, state) : null));
}

function tiles(head) {
  const recently = head.is_open ? ", recently" : "";
  const tile = (name, value, note, { bad = false, hint = null } = {}) => h("div", { class: "tile", title: hint },
    h("div", { class: "tile-name" }, name), h("div", { class: bad ? "tile-value bad" : "tile-value" }, value), h("div", { class: "tile-note muted" }, note));
  const level = (field, name = title(field, "episodes")) => {
    const entry = head.levels[field], range = entry && levelInterval(field, entry, 3);
    return entry && tile(name, head.level_texts[field], `last ${count(entry.window)}${head.reward_source ? " values" : ""}${range && `; 95 %: ${range}`}`,
      { bad: entry.not_finite > 0, hint: range && `${entry.median === null ? "Mean" : "Median"} of the last ${head.reward_source ? "values" : "episodes"}, with its 95 % interval` });
  };
  return h("div", { class: "tiles" },
    level("reward", head.reward_source ? `Reward: ${head.reward_source}` : undefined),
    ["quality_final", "quality_improvement", "success", "length"].map((field) => level(field)),
    Object.keys(head.levels).filter((field) => head.levels[field].median !== null).map((field) => level(field, `${title(field, "episodes")} (median)`)),
    tile("Episodes", count(head.episodes), head.episode_rate ? `${number(head.episode_rate, 3)} per minute${recently}` : ""),
    tile("Steps", count(head.env_step), head.speed ? `${number(head.speed, 3)} per second${recently}` : ""),
    tile("Updates", count(head.updates), head.target !== null ? `target reward ${number(head.target)}` : ""));
}

function finding(one, run) {
  const at = one.at[run.view.clock], seen = one.since_step !== null;
  // The stream of a metric in the evidence.
  const streamOf = (name) => one.series?.find((field) => field.endsWith(`.${name}`))?.split(".")[0];
  const shown = (value) => (typeof value === "number" || isBad(value) ? number(value) : typeof value === "string" ? value : JSON.stringify(value));
  const evidence = Object.entries(one.evidence).map(([name, value]) => h("div", {}, h("dt", {}, title(name, streamOf(name))), h("dd", {}, shown(value))));
  const box = h("details", {
    class: one.open ? "finding" : "finding over", "data-severity": one.severity, "data-code": one.code, open: opened.has(one.code),
    ontoggle: () => (box.open ? opened.add(one.code) : opened.delete(one.code)) },
  h("summary", {}, h("span", { class: "severity" }, one.open ? one.severity : "closed"), h("b", {}, one.title),
    seen ? h("span", { class: "muted" }, ` since step ${count(one.since_step)}`) : "", h("span", { class: "finding-cause" }, one.cause)),
  h("div", { class: "finding-more" },
    one.advice ? h("p", {}, h("b", {}, "Try: "), one.advice) : null, evidence.length ? h("dl", { class: "evidence" }, evidence) : null,
    one.symptoms.length ? h("p", { class: "muted" }, "Also causes: ", one.symptoms.map((other) => other.title).join(", "), ".") : null,
    h("p", { class: "muted small" }, one.code, one.confidence ? `, confidence ${percent(one.confidence)}` : "", one.source ? `. ${one.source}` : ""),
    seen && at != null ? button("Show onset in the charts", () => around(run, at)) : null));
  return box;
}

function around(run, at) {
  const { head, view } = run, total = { episode: head.episodes, env_step: head.env_step, update: head.updates, time: head.duration }[view.clock] ?? at;
  run.zoom([Math.max(0, at - AROUND * total), at + AROUND * total]);
  document.getElementById("panel").scrollIntoView({ block: "start" });
}
