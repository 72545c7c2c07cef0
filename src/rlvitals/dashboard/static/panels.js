// Chart tabs: updates, system metrics, and all other logged curves.

import { board, viewControls } from "./curves.js";
import { isCurve, isKnown, panel as panelOf } from "./dictionary.js";
import { h, put } from "./dom.js";
import { answered, checkbox, empty, filterField } from "./widgets.js";

const UNSAMPLED = "No system metrics: sampling is off, or the run is shorter than the sampling interval.";
const MOST_NAMES = 200, MOST_CHARTS = 24, FIRST_CHARTS = 9;
const note = (...text) => h("p", { class: "muted note" }, text);

function charts(panel, run, controls, wanted, above, emptyText) {
  const grid = h("div", { class: "board three" }), draw = () => viewControls(controls, run.view, run.change);
  put(panel, above, wanted.length ? grid : empty(emptyText));
  draw();
  const shown = board(run, grid, wanted);
  return { ...shown, refresh: () => { draw(); shown.load(); } };
}

/** Create a tab whose charts depend on the fields of the run. */
function ofFields(panel, run, waiting, make) {
  const tab = {};
  answered(panel, run.ask("run/fields"), (fields) => make(fields, tab), waiting);
  return tab;
}

export function ppo(panel, run, controls) {
  const has = new Set(run.head.fields.updates), known = panelOf("updates", "update", "update detail").filter((one) => has.has(one.name));
  if (!known.length) return fromEpisodes(panel, run, controls);
  const missing = panelOf("updates", "update").filter((one) => !has.has(one.name)).map((one) => one.title);
  const above = note("Green: healthy range. ", missing.length ? `Not logged: ${missing.join(", ")}.` : "");
  return charts(panel, run, controls, known.map(({ name }) => ({ stream: "updates", field: name, healthy: true })), above, "");
}

/** Runs without updates can have logged the metrics with their episodes. */
const fromEpisodes = (panel, run, controls) => ofFields(panel, run, "Loading the algorithm metrics ...", (fields, tab) => {
  const found = (fields.episodes ?? []).filter((name) => name.startsWith("algorithm."));
  const wanted = found.map((field) => ({ stream: "episodes", field, heading: field.replace("algorithm.", "") }));
  const above = found.length ? note("This run logs algorithm metrics with its episodes.") : null;
  const none = "No updates yet. Record policy loss, value loss, entropy, KL and more with monitor.log_training_step(...).";
  Object.assign(tab, charts(panel, run, controls, wanted, above, none));
});

export function system(panel, run, controls) {
  const { system: sampled, episodes } = run.head.fields, seen = new Set();
  const wanted = [["system", sampled], ["episodes", episodes]].flatMap(([stream, names]) => panelOf(stream, "machine", "machine detail")
    .filter(({ name }) => names.includes(name) && !seen.has(name) && seen.add(name)).map(({ name }) => ({ stream, field: name, tint: 3 })));
  const off = sampled.length || !wanted.length ? null : note(UNSAMPLED);
  return charts(panel, run, controls, wanted, off, UNSAMPLED);
}

const elsewhere = (name) => /^(updates|system)\/|^episodes\/parameters\./.test(name) || isKnown(...name.split("/"));

export const more = (panel, run, controls) => ofFields(panel, run, "Loading the curves ...", (fields, tab) => {
  const all = Object.entries(fields).flatMap(([stream, names]) => names.filter((name) => isCurve(stream, name)).map((name) => `${stream}/${name}`));
  const kept = run.app.params.getAll("curve").filter((name) => all.includes(name));
  const chosen = new Set(kept.length ? kept : all.filter((name) => !elsewhere(name)).slice(0, FIRST_CHARTS));
  const body = h("div", {}), boxes = h("div", { class: "checks" }), filter = filterField("Filter curves", () => list());
  const choose = (name, on) => { on ? chosen.add(name) : chosen.delete(name); run.app.keep({ curve: [...chosen] }); draw(); };
  const list = () => put(boxes, all.filter((name) => name.toLowerCase().includes(filter.value.toLowerCase())).slice(0, MOST_NAMES)
    .map((name) => checkbox(name, chosen.has(name), (on) => choose(name, on))));
  const draw = () => {
    tab.leave?.();
    const wanted = [...chosen].slice(0, MOST_CHARTS).map((name) => ({ stream: name.split("/")[0], field: name.slice(name.indexOf("/") + 1) }));
    Object.assign(tab, charts(body, run, controls, wanted, null, "No curves selected. Select curves above."));
  };
  const heading = h("summary", {}, `Select from ${all.length} logged curves`);
  put(panel, h("details", { class: "card chooser", open: !chosen.size }, heading, filter, boxes), body);
  list();
  draw();
});
