// Evaluations, pictures, configuration and notes of a run.

import { h, put, select } from "./dom.js";
import { address } from "./api.js";
import { Chart } from "./chart.js";
import { color, viewControls } from "./curves.js";
import { panel as panelOf, title } from "./dictionary.js";
import { ago, atClock, bytes, count, formatValue, moment, num, number, percent } from "./format.js";
import { clear } from "./overview.js";

const patiently = (panel, question, show) => question.then(show).catch((error) => { if (error.name !== "AbortError") put(panel, h("p", { class: "empty" }, error.message)); });

export function evaluations(panel, run, controls) {
  let charts = [];
  const drop = () => { for (const chart of charts) chart.destroy(); charts = []; };
  const load = () => patiently(panel, run.ask("run/evaluations"), (found) => {
    drop();
    const view = run.view, agent = found.evaluations;
    viewControls(run, controls, { types: false, lines: false });
    if (!agent.length && !found.baselines.length) { put(panel, h("p", { class: "empty" }, "No evaluation was logged yet. log_evaluation records them, of the agent and of baselines.")); return; }
    const metrics = panelOf("evaluations", "evaluation"), drawn = metrics.filter(({ name }) => agent.some((one) => one[name] !== undefined));
    const plots = (agent.length > 1 ? drawn : []).map(({ name: field, label: heading, format }) => {
      const chart = new Chart({ name: heading, unit: format === "percent", onzoom: (range) => run.zoom(range) });
      const said = agent.filter((one) => one[field] !== undefined && one.at[view.clock] !== null), y = said.map((one) => num(one[field])), finite = y.filter(Number.isFinite);
      const base = found.baselines.filter((one) => one[field] !== undefined && Number.isFinite(num(one[field])));
      chart.set([{ name: heading, color: color(0), raw: { x: said.map((one) => one.at[view.clock]), y }, smooth: null, band: null, levels: base.map((one) => num(one[field])), levelNames: base.map((one) => one.policy),
        extent: { values: y.length, nan: y.filter(Number.isNaN).length, infinite: y.length - finite.length - y.filter(Number.isNaN).length, low: Math.min(...finite), high: Math.max(...finite), last: y.at(-1) ?? null } }], { clock: view.clock, range: view.range });
      return chart;
    });
    charts = plots;
    const rows = [...found.baselines.map((one) => [one.policy, one]), ...(agent.length ? [["the agent, last", agent.at(-1)]] : [])].sort((a, b) => (num(b[1].reward) ?? 0) - (num(a[1].reward) ?? 0));
    put(panel, plots.length ? h("div", { class: "board" }, plots.map((chart) => chart.element)) : null,
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Against the baselines")),
        h("div", { class: "table-box" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["Policy", ...metrics.map((one) => one.label), "Episodes"].map((text, i) => h("th", { class: i ? "num" : "", scope: "col" }, text)))),
          h("tbody", {}, rows.map(([name, one]) => h("tr", { class: one.policy ? "" : "strong" }, h("th", { scope: "row" }, name), metrics.map((metric) => h("td", { class: "num" }, formatValue(metric, one[metric.name]))), h("td", { class: "num" }, count(one.episodes)))))))),
      found.compared.length ? h("section", { class: "card" }, h("header", {}, h("h2", {}, "Item by item"), h("span", { class: "muted" }, "the agent less the baseline, on the items that both have")),
        h("div", { class: "table-box" }, h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["Baseline", "Measure", "Verdict", "Difference (95 %)", "Better on", "Items"].map((text, i) => h("th", { scope: "col", class: i > 2 ? "num" : "" }, text)))),
          h("tbody", {}, found.compared.map((one) => h("tr", {}, h("th", { scope: "row" }, one.baseline), h("td", {}, title(one.metric)), h("td", { class: one.verdict.includes("better") ? "good" : one.verdict.includes("worse") ? "bad" : "" }, one.verdict),
            h("td", { class: "num" }, number(one.difference.estimate), one.difference.low !== null ? h("span", { class: "muted" }, `  ${number(one.difference.low)} to ${number(one.difference.high)}`) : ""), h("td", { class: "num" }, percent(one.improved.estimate)), h("td", { class: "num" }, count(one.items)))))))) : null);
  });
  put(panel, h("p", { class: "empty" }, "Reading the evaluations ..."));
  load();
  run.refresh = run.onevaluations = load;
  return () => { drop(); clear(run); };
}

export function pictures(panel, run) {
  const load = () => patiently(panel, run.ask("run/pictures"), ({ pictures: all }) => {
    if (!all.length) { put(panel, h("p", { class: "empty" }, "No picture was logged yet. monitor.log_image records them.")); return; }
    const steps = [...new Set(all.map((one) => one.env_step ?? 0))].sort((a, b) => a - b);
    const slider = h("input", { type: "range", min: 0, max: steps.length - 1, value: steps.length - 1, "aria-label": "Training step", oninput: () => show() });
    const label = h("b", {}), wall = h("div", { class: "wall" });
    const show = () => {
      const step = steps[Number(slider.value)], groups = new Map();
      put(label, `step ${count(step)}`);
      for (const one of all) {
        if ((one.env_step ?? 0) > step) continue;
        const group = one.data.group ?? "";
        if (!groups.has(group)) groups.set(group, new Map());
        groups.get(group).set(one.data.name ?? one.file, one);
      }
      put(wall, [...groups].slice(0, 60).map(([name, set]) => h("section", { class: "card picture-row" }, name ? h("header", {}, h("h2", {}, name)) : null, h("div", { class: "pictures" }, [...set.values()].map((one) => picture(run, one))))));
    };
    put(panel, steps.length > 1 ? h("div", { class: "slider" }, "Over training", slider, label) : null, wall);
    show();
  });
  put(panel, h("p", { class: "empty" }, "Looking for pictures ..."));
  load();
  run.onevents = (events) => { if (events.some((event) => event.kind === "image")) load(); };
  run.refresh = (again) => { if (again) load(); };
  return () => clear(run);
}

function picture(run, one) {
  const source = address("run/picture", { run: run.key, name: one.file }), said = Object.entries(one.data.metrics ?? {});
  return h("figure", { class: "picture" },
    h("a", { href: source, target: "_blank", rel: "noopener" }, h("img", { src: source, loading: "lazy", alt: one.message, onerror: (event) => { event.target.alt = `${one.message} (cannot be shown)`; } })),
    h("figcaption", {}, h("b", {}, one.data.name ?? one.message), one.data.caption ? h("div", {}, one.data.caption) : null,
      h("div", { class: "muted small" }, [...said.map(([name, value]) => (/bytes/.test(name) && typeof value === "number" ? bytes(value) : `${title(name)} ${number(value)}`)), `step ${count(one.env_step)}`].join(" · "))));
}

export function configuration(panel, run) {
  const table = (rows) => h("div", { class: "table-box" }, h("table", { class: "plain settings" }, h("tbody", {}, rows.map(([name, text]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, text))))));
  const load = () => patiently(panel, run.ask("run/configuration"), (found) => {
    const facts = new Map(found.reproduction), command = facts.get("command"), settings = h("div", {});
    const filter = h("input", { type: "search", placeholder: "Filter settings", "aria-label": "Filter settings", oninput: () => show() });
    const show = () => put(settings, table(found.configuration.filter(([name, text]) => `${name} ${text}`.toLowerCase().includes(filter.value.toLowerCase()))));
    show();
    let line = command;
    try { line = JSON.parse(command).map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" "); } catch { /* no list */ }
    const copy = h("button", { type: "button", class: "button", onclick: () => navigator.clipboard?.writeText(line).then(() => put(copy, "Copied"), () => put(copy, "Not allowed")) }, "Copy");
    put(panel,
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Reproduce")), line ? h("div", { class: "command" }, h("code", {}, line), copy) : null, table([...facts].filter(([name]) => name !== "command")),
        h("details", {}, h("summary", {}, `${found.packages.length} packages`), table(found.packages)),
        found.writers.length > 1 ? h("p", { class: "muted" }, `Written in ${found.writers.length} sessions or branches; the last began ${moment(found.writers.at(-1).started)} on ${found.writers.at(-1).host}.`) : null),
      found.failure ? h("section", { class: "card" }, h("header", {}, h("h2", {}, "Failure")), h("pre", { class: "trace" }, found.failure.traceback || `${found.failure.type}: ${found.failure.message}`)) : null,
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "Configuration"), h("span", { class: "grow" }), found.configuration.length > 8 ? filter : null),
        found.configuration.length ? settings : h("p", { class: "empty" }, "The training gave no configuration."), found.left_out ? h("p", { class: "muted" }, `${found.left_out} more are not shown.`) : null));
  });
  put(panel, h("p", { class: "empty" }, "Reading the configuration ..."));
  load();
  run.refresh = (again) => { if (again) load(); };
  return () => clear(run);
}

export function notes(panel, run, controls) {
  let kind = "";
  const load = () => patiently(panel, run.ask("run/events", { kind, limit: 500 }), (found) => {
    put(controls, select("Kind", [["", "all but findings and pictures"], ["note", "notes"], ["milestone", "milestones"], ["finding", "findings"], ["state", "states"], ["alert", "alerts"]], kind, (next) => { kind = next; load(); }));
    put(panel, found.events.length ? h("ol", { class: "timeline card" }, found.events.map((event) => h("li", { "data-severity": event.severity ?? "info" },
      h("span", { class: "kind" }, event.kind), h("span", { class: "said" }, event.message),
      h("span", { class: "muted small" }, [event.at[run.view.clock] !== null && event.at[run.view.clock] !== undefined ? atClock(run.view.clock, event.at[run.view.clock]) : null, ago(Date.now() / 1000 - event.time)].filter(Boolean).join(", "))))) : h("p", { class: "empty" }, "Nothing of that kind happened."));
  });
  put(panel, h("p", { class: "empty" }, "Reading the notes ..."));
  load();
  run.onevents = load;
  run.refresh = (again) => { if (again) load(); };
  return () => clear(run);
}
