// The compare page: selection of runs, and two views: groups compared with each other, and run by run.

import { ask, unlessAborted } from "./api.js";
import { color } from "./curves.js";
import { h, put } from "./dom.js";
import { count } from "./format.js";
import { comparisonQuery, groupsView } from "./groups.js";
import { MOST_OVERLAID, overlay } from "./overlay.js";
import { button, empty, runLink, select, swatch, tabList } from "./widgets.js";

const VIEWS = [["groups", "Groups"], ["runs", "Run by run"]];
const MOST_CHIPS = 12, MOST_OFFERED = 500;

export function comparePage(root, app) {
  app.title("Compare");
  let shown = null, controller = new AbortController(), guessed = "runs", drawn = "", offered = [], failing = false, asking = false;
  const chosen = () => ({ run: app.params.getAll("run"), group: app.params.getAll("group") });
  const change = (changes) => { app.keep({ baseline: null, by: null, ...changes }); load(); };
  const view = () => app.params.get("view") ?? guessed;
  const pattern = h("input", { type: "search", class: "narrow", placeholder: "pattern: base-*", "aria-label": "Pattern of a group of runs" });
  const form = h("form", { class: "inline", onsubmit: (event) => {
    event.preventDefault();
    if (pattern.value.trim()) change({ group: [...new Set([...chosen().group, pattern.value.trim()])] });
    pattern.value = "";
  } }, pattern, h("button", { class: "button" }, "+ add group"));
  const chips = h("div", { class: "chips" }, form), box = h("div", { id: "compared" });
  const tabs = tabList("Comparison views", box, (name) => { app.keep({ view: name }); drawTabs(); load(); });
  const drawTabs = () => tabs.draw(VIEWS, view());
  put(root, h("div", { class: "page-head" }, h("h1", {}, "Compare runs")), chips, tabs.element, box);

  const offer = () => ask("runs", {}, controller.signal).then(({ runs }) => { offered = runs.map((row) => row.key); drawChips(); }).catch(() => {});

  /** Redraw the chips only if they changed, to keep text that is being typed and an open list. */
  function drawChips() {
    const { run, group } = chosen(), taken = new Set(run), rest = offered.filter((key) => !taken.has(key)).slice(0, MOST_OFFERED);
    const state = JSON.stringify([run, group, rest, view()]);
    if (state === drawn) return;
    drawn = state;
    const chip = (name, label, without, mark = "") => h("span", { class: "chip run-chip" }, mark, label,
      button("×", () => change(without), { class: null, "aria-label": `Remove ${name}` }));
    const mark = (i) => (view() === "runs" ? swatch(color(i)) : "");
    const runs = run.length > MOST_CHIPS ? [chip("all runs", `${count(run.length)} runs`, { run: [] })]
      : run.map((key, i) => chip(key, runLink(key), { run: run.filter((one) => one !== key) }, mark(i)));
    const groups = group.map((word) => chip(word, word, { group: group.filter((one) => one !== word) }));
    const more = select("Add a run", [["", "+ add run"], ...rest.map((key) => [key, key])], "", (key) => key && change({ run: [...run, key] }));
    while (chips.firstChild !== form) chips.firstChild.remove();
    form.before(...runs, ...groups, more);
  }

  function leave() { shown?.leave(); shown = null; }

  function nothingChosen() {
    leave();
    put(tabs.element);
    for (const name of ["role", "aria-busy", "aria-labelledby"]) box.removeAttribute(name);
    put(box, h("div", { class: "empty" }, h("p", {}, "No runs selected. Add two or more runs above, or select them in the list of runs."),
      h("p", {}, "Runs that differ only in their seed form one group. A pattern such as ", h("code", {}, "base-*"), " adds a separate group.")));
  }

  /** Load the comparison. The previous one stays until then; with `quiet` (an automatic reload) also after a failure. */
  async function load({ quiet = false } = {}) {
    if (quiet && asking) { shown?.later?.(); return; } // do not repeat a request that is still running
    asking = false;
    controller.abort();
    controller = new AbortController();
    const { run, group } = chosen(), { signal } = controller, isMany = group.length || run.length > MOST_OVERLAID;
    drawChips();
    offer();
    if (!run.length && !group.length) { nothingChosen(); return; }
    let found = null, failure = null;
    if (isMany || view() === "groups" || !app.params.has("view")) {
      if (!box.children.length) put(box, empty("Loading the runs ..."));
      if (!quiet) box.setAttribute("aria-busy", "true");
      asking = true;
      found = await ask("compare/groups", comparisonQuery(app), signal).catch(unlessAborted((error) => { failure = error.message; }));
      if (signal.aborted) return;
      asking = false;
      box.removeAttribute("aria-busy");
    }
    if (failure && quiet && shown) { failing = true; app.retrying(failure); shown.later?.(); return; }
    if (failing) { failing = false; app.say(null); }
    const isGrouped = found ? found.runs.length > MOST_OVERLAID || found.groups.some((one) => one.runs > 1) : isMany || app.params.get("metric");
    if (found || shown?.kind !== "groups") guessed = group.length || isGrouped ? "groups" : "runs";
    drawTabs();
    drawChips();
    if (view() === "groups") {
      if (shown?.kind !== "groups") { leave(); shown = groupsView(box, app, { again: load }); }
      shown.update({ found, failure }, { quiet });
    } else {
      leave();
      const keys = group.length && found ? found.runs.map((one) => one.path) : run;
      if (keys.length) shown = overlay(box, app, keys);
      else put(box, empty(failure ?? ""));
    }
  }
  load();
  return () => { controller.abort(); leave(); };
}
