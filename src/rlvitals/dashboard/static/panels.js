// Panels of charts: the algorithm, the machine, and everything else that was logged.

import { h, put } from "./dom.js";
import { board, viewControls } from "./curves.js";
import { isCurve, isKnown, panel as panelOf } from "./dictionary.js";
import { clear } from "./overview.js";

function charts(panel, run, controls, wanted, note, emptyText, options) {
  const grid = h("div", { class: "board three" });
  put(panel, note, wanted.length ? grid : h("p", { class: "empty" }, emptyText));
  const shown = board(run, grid, wanted);
  viewControls(run, controls, { types: false, ...options });
  run.refresh = () => { viewControls(run, controls, { types: false, ...options }); shown.load(); };
  run.onhead = () => shown.head();
  run.ongrown = shown.grown;
  return () => { shown.destroy(); clear(run); };
}

export function ppo(panel, run, controls) {
  const has = new Set(run.head.fields.updates), known = panelOf("updates", "update", "update detail").filter((one) => has.has(one.name));
  if (!known.length) return fromEpisodes(panel, run, controls);
  const missing = panelOf("updates", "update").filter((one) => !has.has(one.name));
  return charts(panel, run, controls, known.map((one) => ({ stream: "updates", field: one.name, healthy: true })),
    h("p", { class: "muted note" }, "Green: where the metric lies in healthy trainings. ", missing.length ? `Not logged: ${missing.map((one) => one.title).join(", ")}.` : ""), "");
}

/** Runs that log no updates may have said the metrics with their episodes. */
function fromEpisodes(panel, run, controls) {
  put(panel, h("p", { class: "empty" }, "Looking for the algorithm's metrics ..."));
  let leave = () => clear(run);
  run.refresh = () => {};
  run.ask("run/fields").then((fields) => {
    const found = (fields.episodes ?? []).filter((name) => name.startsWith("algorithm."));
    leave = charts(panel, run, controls, found.map((field) => ({ stream: "episodes", field, heading: field.slice(10) })),
      found.length ? h("p", { class: "muted note" }, "This run logs the algorithm's metrics with its episodes.") : null, "No update was logged yet. log_training_step records policy loss, value loss, entropy, KL and more.");
  }).catch(() => {});
  return () => leave();
}

export function system(panel, run, controls) {
  const fields = Object.entries({ system: run.head.fields.system, episodes: run.head.fields.episodes }), seen = new Set();
  const wanted = fields.flatMap(([stream, names]) => panelOf(stream, "machine", "machine detail").filter(({ name }) => names.includes(name) && !seen.has(name) && seen.add(name)).map((one) => ({ stream, field: one.name, tint: 3 })));
  return charts(panel, run, controls, wanted, run.head.fields.system.length || !wanted.length ? null : h("p", { class: "muted note" }, "The system sampler was off."), "Nothing is known of the machine: the system sampler was off.");
}

export function more(panel, run, controls) {
  put(panel, h("p", { class: "empty" }, "Looking for what was logged ..."));
  let leave = () => clear(run);
  run.refresh = () => {};
  run.ask("run/fields").then((fields) => {
    const all = Object.entries(fields).flatMap(([stream, names]) => names.filter((name) => isCurve(stream, name)).map((name) => `${stream}/${name}`));
    const drawnElsewhere = (name) => name.startsWith("updates/") || name.startsWith("system/") || isKnown(...name.split("/")) || name.startsWith("episodes/parameters.");
    const kept = run.app.params.getAll("curve").filter((name) => all.includes(name));
    const chosen = new Set(kept.length ? kept : all.filter((name) => !drawnElsewhere(name)).slice(0, 9));
    const body = h("div", {});
    const filter = h("input", { type: "search", placeholder: "Filter curves", "aria-label": "Filter curves", oninput: () => list() });
    const boxes = h("div", { class: "checks" });
    const list = () => put(boxes, all.filter((name) => name.toLowerCase().includes(filter.value.toLowerCase())).slice(0, 200).map((name) => h("label", {}, h("input", { type: "checkbox", checked: chosen.has(name), onchange: (event) => {
      event.target.checked ? chosen.add(name) : chosen.delete(name); run.app.keep({ curve: [...chosen] }); redraw();
    } }), name)));
    let gone = () => {};
    const redraw = () => {
      gone();
      gone = charts(body, run, controls, [...chosen].slice(0, 24).map((name) => ({ stream: name.split("/")[0], field: name.slice(name.indexOf("/") + 1) })), null, "Choose curves above.");
    };
    put(panel, h("details", { class: "card chooser", open: !chosen.size }, h("summary", {}, `${all.length} curves were logged; choose what is shown`), filter, boxes), body);
    list();
    redraw();
    leave = () => { gone(); clear(run); };
  }).catch((error) => { if (error.name !== "AbortError") put(panel, h("p", { class: "empty" }, error.message)); });
  return () => leave();
}
