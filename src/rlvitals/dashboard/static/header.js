// The top of a run's page: what it is, how it goes, and what is wrong, cause first.

import { h, put, tip } from "./dom.js";
import { metricOf, title } from "./dictionary.js";
import { ago, count, formatValue, isBad, moment, number, percent, span } from "./format.js";
import { progress, ring, status } from "./badges.js";

const opened = new Set();

export function header(top, run) {
  const head = run.head, verdict = head.verdict ?? { tone: "neutral", title: "Checking", text: "The run is being checked." }, now = Date.now() / 1000 - run.skew;
  put(top,
    h("div", { class: "verdict", "data-tone": verdict.tone },
      h("div", { class: "verdict-main" },
        h("div", { class: "verdict-name" }, h("h1", {}, head.run_id), status(head.status, head.reason),
          h("span", { class: "muted" }, [head.project, ...head.tags].filter(Boolean).join(" · "))),
        h("p", { class: "verdict-say" }, h("b", { class: "verdict-title" }, verdict.title), " ", verdict.text),
        facts(head, now)),
      head.health ? h("div", { class: "health" }, ring(head.health.score, head.health.status), h("div", {}, h("b", {}, "Health"), tip("How the health score comes about", () => healthCard(head)), head.health.score === null ? h("div", { class: "muted small" }, head.health.status) : null))
        : h("div", { class: "health muted" }, "checking ...")),
    tiles(head),
    findings(head, run),
  );
}

function facts(head, now) {
  return h("div", { class: "facts" },
    head.progress !== null ? h("span", { class: "fact-progress" }, progress(head.progress), ` ${percent(head.progress)} of ${count(head.goal)} steps`, head.seconds_left === null ? "" : h("b", {}, `, ${span(head.seconds_left)} left`)) : null,
    h("span", { title: moment(head.started) }, head.is_open ? `running for ${span(head.duration)}` : `${head.is_replayed ? "" : `ran ${span(head.duration)}, `}${moment(head.started)}`),
    h("span", {}, `last record ${ago(now - head.updated)}`),
    Object.entries(head.dropped_records).map(([where, n]) => h("span", { class: "bad" }, `${count(n)} ${where} lost`)));
}

function healthCard(head) {
  const deductions = head.health.deductions, skipped = Object.entries(head.skipped_rules);
  return [head.health.score === null ? h("p", {}, `Not judged yet: ${head.evidence}.`) : h("p", {}, `${head.health.score} of 100. `, deductions.length ? "Each point lost names its finding:" : "No finding cost a point."),
    deductions.length ? h("ul", {}, deductions.map((one) => h("li", {}, `-${one.points}  ${one.reason}`))) : null,
    skipped.length ? h("p", { class: "muted" }, `Rules that would judge if it were logged: ${skipped.map(([code, wanted]) => `${code}: ${wanted.join(", ")}`).join("; ")}.`) : null];
}

function tiles(head) {
  const tile = (name, value, note, bad) => h("div", { class: "tile", title: / to /.test(note) ? "Mean of the last episodes, with its 95 % interval" : null }, h("div", { class: "tile-name" }, name), h("div", { class: bad ? "tile-value bad" : "tile-value" }, value), h("div", { class: "tile-note muted" }, note));
  const recently = head.is_open ? ", recently" : "";
  const level = (field, name = title(field, "episodes")) => {
    const entry = head.levels[field], show = (value) => formatValue(metricOf("episodes", field), value, 3);
    if (!entry) return null;
    const interval = entry.low === null || entry.low === entry.high ? "" : `; 95 %: ${show(entry.low)} to ${show(entry.high)}`;
    return tile(name, head.level_texts[field], `last ${count(entry.window)}${head.reward_source ? " values" : ""}${interval}`, entry.not_finite > 0);
  };
  return h("div", { class: "tiles" },
    level("reward", head.reward_source ? `Reward: ${head.reward_source}` : undefined), level("quality_final"), level("quality_improvement"), level("success"), level("length"),
    tile("Episodes", count(head.episodes), head.episode_rate ? `${number(head.episode_rate, 3)} a minute${recently}` : ""),
    tile("Steps", count(head.env_step), head.speed ? `${number(head.speed, 3)} a second${recently}` : ""),
    tile("Updates", count(head.updates), head.target !== null ? `target reward ${number(head.target)}` : ""));
}

/** The stream of a number that a finding was seen by. */
const streamOf = (finding, name) => finding.series?.find((one) => one.endsWith(`.${name}`))?.split(".")[0];

function findings(head, run) {
  if (!head.findings.length) return null;
  return h("section", { class: "findings", "aria-label": "Findings" },
    head.findings.map((one) => {
      const id = one.code, evidence = Object.entries(one.evidence);
      const box = h("details", { class: one.open ? "finding" : "finding over", "data-severity": one.severity, "data-code": one.code, ontoggle: () => (box.open ? opened.add(id) : opened.delete(id)) },
        h("summary", {}, h("span", { class: "severity" }, one.open ? one.severity : "over"), h("b", {}, one.title),
          one.since_step !== null ? h("span", { class: "muted" }, ` since step ${count(one.since_step)}`) : "", h("span", { class: "finding-cause" }, one.cause)),
        h("div", { class: "finding-more" },
          one.advice ? h("p", {}, h("b", {}, "Try: "), one.advice) : null,
          evidence.length ? h("dl", { class: "evidence" }, evidence.map(([name, value]) => [h("dt", {}, title(name, streamOf(one, name))), h("dd", {}, typeof value === "number" || isBad(value) ? number(value) : typeof value === "string" ? value : JSON.stringify(value))])) : null,
          one.symptoms.length ? h("p", { class: "muted" }, "It explains: ", one.symptoms.map((s) => s.title).join(", "), ".") : null,
          h("p", { class: "muted small" }, one.code, one.confidence ? `, ${percent(one.confidence)} sure` : "", one.source ? `. ${one.source}` : ""),
          one.since_step !== null && one.at[run.view.clock] !== null && one.at[run.view.clock] !== undefined ? h("button", { type: "button", class: "button", onclick: () => around(run, one) }, "Show where it began") : null));
      box.open = opened.has(id);
      return box;
    }));
}

function around(run, finding) {
  const at = finding.at[run.view.clock], total = { episode: run.head.episodes, env_step: run.head.env_step, update: run.head.updates, time: run.head.duration }[run.view.clock] ?? at;
  run.zoom([Math.max(0, at - total * 0.06), at + total * 0.06]);
  document.getElementById("panel").scrollIntoView({ block: "start" });
}
