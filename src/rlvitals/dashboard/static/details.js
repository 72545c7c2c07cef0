// Evaluations, pictures, configuration and notes of a run.

import { address } from "./api.js";
import { counted } from "./chart.js";
import { color, metricChart, viewControls } from "./curves.js";
import { panel as panelOf, title } from "./dictionary.js";
import { h, put } from "./dom.js";
import { ago, atClock, bytes, count, formatValue, interval, moment, num, number, percent } from "./format.js";
import { ends } from "./scale.js";
import { answerTab, button, card, empty, filterField, grow, hint, select, table } from "./widgets.js";

const MOST_EVENTS = 500, MOST_PICTURE_GROUPS = 60, MANY_SETTINGS = 8;

export function evaluations(panel, run, controls) {
  let charts = [];
  const leave = () => { for (const chart of charts) chart.destroy(); charts = []; };
  const show = ({ evaluations: agent, baselines, compared }) => {
    leave();
    viewControls(controls, run.view, run.change, { lines: false });
    const none = "No evaluations yet. Record the agent and baselines with monitor.log_evaluation(...).";
    if (!agent.length && !baselines.length) return put(panel, empty(none));
    const metrics = panelOf("evaluations", "evaluation");
    charts = agent.length > 1 ? metrics.filter(({ name }) => agent.some((one) => one[name] !== undefined)).map((metric) => plot(run, metric, agent, baselines)) : [];
    const rows = [...baselines, ...agent.slice(-1)].sort((a, b) => (num(b.reward) ?? 0) - (num(a.reward) ?? 0));
    put(panel, charts.length ? h("div", { class: "board" }, charts.map((chart) => chart.element)) : null,
      card("Agent and baselines", null, table([
        ["Policy", (one) => one.policy || "agent (last evaluation)"],
        ...metrics.map((metric) => [metric.label, (one) => formatValue(metric, one[metric.name]), "num"]),
        ["Episodes", (one) => count(one.episodes), "num"],
      ], rows, { tone: (one) => (one.policy ? "" : "strong") })),
      compared.length ? card("Item by item", hint("agent minus baseline, on the items that both have"), table([
        ["Baseline", (one) => one.baseline], ["Metric", (one) => title(one.metric)],
        ["Verdict", (one) => one.verdict, "", ({ verdict }) => (/better/.test(verdict) ? "good" : /worse/.test(verdict) ? "bad" : "")],
        ["Difference (95 %)", ({ difference }) => [number(difference.estimate), h("span", { class: "muted" }, `  ${interval(difference)}`)], "num"],
        ["Share better", (one) => percent(one.improved.estimate), "num"], ["Items", (one) => count(one.items), "num"],
      ], compared)) : null);
  };
  const tab = answerTab(panel, "Loading the evaluations ...", () => run.ask("run/evaluations"), show, true);
  return { ...tab, evaluations: tab.load, leave };
}

/** Plot a metric over the evaluations of the agent, with the baselines as horizontal lines. */
function plot(run, metric, agent, baselines) {
  const { clock, range } = run.view, value = (one) => num(one[metric.name]), chart = metricChart("evaluations", metric.name, { onzoom: run.zoom });
  const said = agent.filter((one) => value(one) !== undefined && one.at[clock] !== null), y = said.map(value), [low, high] = ends(y);
  const base = baselines.filter((one) => Number.isFinite(value(one)));
  chart.set([{ name: metric.label, color: color(0), raw: { x: said.map((one) => one.at[clock]), y },
    levels: base.map(value), levelNames: base.map((one) => one.policy), extent: { ...counted(y), low, high } }], { clock, range });
  return chart;
}

export function pictures(panel, run) {
  const show = ({ pictures: all }) => {
    if (!all.length) return put(panel, empty("No images yet. Record one with monitor.log_image(...)."));
    const stepOf = (one) => one.env_step ?? 0, steps = [...new Set(all.map(stepOf))].sort((a, b) => a - b), last = steps.length - 1;
    const label = h("b", {}), wall = h("div", { class: "wall" });
    const showStep = (step) => {
      const groups = new Map();
      put(label, `step ${count(step)}`);
      for (const one of all) {
        const { group = "", name = one.file } = one.data;
        if (stepOf(one) <= step) groups.set(group, (groups.get(group) ?? new Map()).set(name, one));
      }
      put(wall, [...groups].slice(0, MOST_PICTURE_GROUPS).map(([name, set]) => h("section", { class: "card picture-row" },
        name ? h("header", {}, h("h2", {}, name)) : null, h("div", { class: "pictures" }, [...set.values()].map((one) => picture(run, one))))));
    };
    const slider = h("input", { type: "range", min: 0, max: last, value: last, "aria-label": "Training step", oninput: () => showStep(steps[Number(slider.value)]) });
    put(panel, last ? h("div", { class: "slider" }, "Over training", slider, label) : null, wall);
    showStep(steps[last]);
  };
  const tab = answerTab(panel, "Loading the images ...", () => run.ask("run/pictures"), show);
  return { ...tab, events: (events) => { if (events.some((event) => event.kind === "image")) tab.load(); } };
}

function picture(run, { file, data, message, env_step: step }) {
  const source = address("run/picture", { run: run.key, name: file });
  const told = ([name, value]) => (/bytes/.test(name) && typeof value === "number" ? bytes(value) : `${title(name)} ${number(value)}`);
  const image = h("img", { src: source, loading: "lazy", alt: message, onerror: () => { image.alt = `${message} (cannot be displayed)`; } });
  return h("figure", { class: "picture" }, h("a", { href: source, target: "_blank", rel: "noopener" }, image),
    h("figcaption", {}, h("b", {}, data.name ?? message), data.caption ? h("div", {}, data.caption) : null,
      h("div", { class: "muted small" }, [...Object.entries(data.metrics ?? {}).map(told), `step ${count(step)}`].join(" · "))));
}

/** Quote a command for a shell; a command that is not a list stays unchanged. */
function shellLine(command) {
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  try { return JSON.parse(command).map(quoted).join(" "); } catch { return command; }
}

export function configuration(panel, run) {
  const pairs = (rows) => table([["", ([name]) => name], ["", ([, text]) => text]], rows, { kind: "settings" });
  const show = ({ configuration: all, reproduction, packages, writers, failure, left_out: leftOut }) => {
    const line = shellLine(new Map(reproduction).get("command")), settings = h("div", {}), last = writers.at(-1);
    const filter = filterField("Filter settings", () => list()), asked = ([name, text]) => `${name} ${text}`.toLowerCase().includes(filter.value.toLowerCase());
    const list = () => put(settings, pairs(all.filter(asked)));
    const copy = button("Copy", () => navigator.clipboard?.writeText(line).then(() => put(copy, "Copied"), () => put(copy, "Copying is blocked")));
    list();
    put(panel,
      card("Reproduce", null, line ? h("div", { class: "command" }, h("code", {}, line), copy) : null, pairs(reproduction.filter(([name]) => name !== "command")),
        h("details", {}, h("summary", {}, `${packages.length} packages`), pairs(packages)),
        writers.length > 1 ? h("p", { class: "muted" }, `Written in ${writers.length} sessions or branches. The last one started ${moment(last.started)} on ${last.host}.`) : null),
      failure ? card("Failure", null, h("pre", { class: "trace" }, failure.traceback || `${failure.type}: ${failure.message}`)) : null,
      card("Configuration", [grow(), all.length > MANY_SETTINGS ? filter : null], all.length ? settings : empty("No configuration was recorded. Pass configuration={...} to TrainingMonitor."),
        leftOut ? h("p", { class: "muted" }, `${leftOut} more settings are not shown.`) : null));
  };
  return answerTab(panel, "Loading the configuration ...", () => run.ask("run/configuration"), show);
}

const KINDS = [["", "all except findings and images"], ["note", "notes"], ["milestone", "milestones"], ["finding", "findings"], ["state", "states"], ["request", "requests"], ["action", "actions"], ["alert", "alerts"]];

export function notes(panel, run, controls) {
  let kind = "";
  const when = ({ at, time }) => {
    const { clock } = run.view, place = at[clock] == null ? [] : [atClock(clock, at[clock])];
    return [...place, ago(Date.now() / 1000 - run.skew - time)].join(", ");
  };
  const line = (event) => h("li", { "data-severity": event.severity ?? "info" },
    h("span", { class: "kind" }, event.kind), h("span", { class: "said" }, event.message), hint(when(event)));
  const show = ({ events }) => {
    put(controls, select("Kind", KINDS, kind, (next) => { kind = next; tab.load(); }));
    put(panel, events.length ? h("ol", { class: "timeline card" }, events.map(line)) : empty("No events of this kind. Record a note with monitor.log_note(...)."));
  };
  const tab = answerTab(panel, "Loading the notes ...", () => run.ask("run/events", { kind, limit: MOST_EVENTS }), show);
  return { ...tab, events: tab.load };
}
