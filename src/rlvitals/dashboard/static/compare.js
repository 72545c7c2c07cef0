// Comparing: which runs are meant, and two ways to look at them: groups held against each other, and runs one by one.

import { h, put, select } from "./dom.js";
import { ask } from "./api.js";
import { color } from "./curves.js";
import { count } from "./format.js";
import { groupsView, questionOf } from "./groups.js";
import { MOST_LAID, overlay } from "./overlay.js";

const VIEWS = [["groups", "Groups"], ["runs", "Run by run"]];
const MOST_CHIPS = 12, MOST_OFFERED = 500;

export function comparePage(root, app) {
  app.title("Compare");
  let shown = null, round = 0, controller = new AbortController(), guessed = "runs", drawn = "", offered = [], troubled = false, asking = false;
  const pattern = h("input", { type: "search", class: "narrow", placeholder: "pattern: base-*", "aria-label": "Add a group of runs by a pattern" });
  const form = h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); const word = pattern.value.trim(); pattern.value = ""; if (word) change({ group: [...new Set([...chosen().group, word])] }); } }, pattern, h("button", { class: "button" }, "+ add a group"));
  const chips = h("div", { class: "chips" }, form), tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Ways to compare" }), box = h("div", { id: "compared" });
  put(root, h("div", { class: "page-head" }, h("h1", {}, "Compare runs")), chips, tabs, box);
  const chosen = () => ({ run: app.params.getAll("run"), group: app.params.getAll("group") });
  const change = (changes) => { app.keep({ baseline: null, by: null, ...changes }); load(); };
  const view = () => app.params.get("view") ?? guessed;

  async function choices() {
    offered = (await ask("runs", {}, controller.signal)).runs.map((row) => row.key);
    draw();
  }

  /** Made anew only if they are others: what is typed behind them, and an open list, stay. */
  function draw() {
    const { run, group } = chosen(), taken = new Set(run), all = offered.filter((key) => !taken.has(key)).slice(0, MOST_OFFERED);
    const told = JSON.stringify([run, group, all, view()]);
    if (told === drawn) return;
    drawn = told;
    const out = (label, change_) => h("button", { type: "button", "aria-label": label, onclick: change_ }, "×");
    while (chips.firstChild !== form) chips.firstChild.remove();
    form.before(...(run.length > MOST_CHIPS ? [h("span", { class: "chip run-chip" }, `${count(run.length)} runs`, out("Take all runs out", () => change({ run: [] })))]
      : run.map((key, i) => h("span", { class: "chip run-chip" }, view() === "runs" ? h("i", { css: { background: color(i).css } }) : "", h("a", { href: `/run?run=${encodeURIComponent(key)}`, "data-nav": true }, key), out(`Take ${key} out`, () => change({ run: run.filter((one) => one !== key) }))))),
      ...group.map((word) => h("span", { class: "chip run-chip" }, word, out(`Take ${word} out`, () => change({ group: group.filter((one) => one !== word) })))),
      select("Add a run", [["", "+ add a run"], ...all.map((key) => [key, key])], "", (key) => key && change({ run: [...run, key] })));
  }

  function head() {
    const focused = tabs.contains(document.activeElement);
    put(tabs, VIEWS.map(([name, text]) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "compared", "aria-selected": String(view() === name), tabindex: view() === name ? 0 : -1,
      onclick: () => { app.keep({ view: name }); head(); document.getElementById(`tab-${name}`).focus(); load(); } }, text)));
    box.setAttribute("role", "tabpanel");
    box.setAttribute("aria-labelledby", `tab-${view()}`);
    if (focused) tabs.querySelector('[aria-selected="true"]')?.focus();
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key], all = [...tabs.children], at = all.indexOf(document.activeElement);
    if (step && at >= 0) all[(at + step + all.length) % all.length].click();
  });

  function leave() { shown?.leave(); shown = null; }

  /** What was shown stays until there is an answer. `quiet`: nobody asked, so that a failure takes nothing away. */
  async function load({ quiet = false } = {}) {
    if (quiet && asking) { shown?.later?.(); return; } // an answer that takes long is waited for, not asked for again
    const mine = ++round;
    asking = false;
    controller.abort();
    controller = new AbortController();
    const { run, group } = chosen(), signal = controller.signal;
    draw();
    if (!run.length && !group.length) {
      leave();
      put(tabs);
      for (const name of ["role", "aria-busy", "aria-labelledby"]) box.removeAttribute(name);
      put(box, h("div", { class: "empty" }, h("p", {}, "Choose two runs or more: above, or by their boxes in the list of runs."), h("p", {}, "Runs whose settings are the same but for the seed are one group. A pattern such as ", h("code", {}, "base-*"), " is a group of its own.")));
      await choices().catch(() => {});
      return;
    }
    let found = null, trouble = null;
    const needed = group.length || run.length > MOST_LAID || view() === "groups" || app.params.get("view") === null;
    if (needed) {
      if (!box.children.length) put(box, h("p", { class: "empty" }, "Reading the runs ..."));
      if (!quiet) box.setAttribute("aria-busy", "true");
      asking = true;
      try { found = await ask("compare/groups", questionOf(app), signal); } catch (error) { if (error.name === "AbortError") return; trouble = error.message; }
      if (mine !== round) return;
      asking = false;
      box.removeAttribute("aria-busy");
    }
    if (quiet && !found && shown) { troubled = true; app.say(`${trouble} This page tries again, and shows what it last knew.`); shown.later?.(); return; }
    if (troubled) { troubled = false; app.say(null); }
    const isAsked = group.length || run.length > MOST_LAID || app.params.get("metric");
    if (found) guessed = group.length || found.runs.length > MOST_LAID || found.groups.some((one) => one.runs > 1) ? "groups" : "runs";
    else if (shown?.kind !== "groups") guessed = isAsked ? "groups" : "runs";
    choices().catch(() => {});
    head();
    if (view() === "groups") {
      if (shown?.kind !== "groups") { leave(); shown = groupsView(box, app, { again: load }); }
      shown.update({ found, trouble }, { quiet });
    } else {
      leave();
      const keys = group.length && found ? found.runs.map((one) => one.path) : run;
      if (keys.length) shown = overlay(box, app, keys);
      else put(box, h("p", { class: "empty" }, trouble ?? ""));
    }
  }
  load();
  return () => { round += 1; controller.abort(); leave(); };
}
