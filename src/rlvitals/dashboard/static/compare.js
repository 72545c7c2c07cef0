// Comparing: which runs are meant, and two ways to look at them: groups held against each other, and runs one by one.

import { h, put, select } from "./dom.js";
import { ask } from "./api.js";
import { color } from "./curves.js";
import { count } from "./format.js";
import { groupsView, questionOf } from "./groups.js";
import { MOST_LAID, overlay } from "./overlay.js";

const VIEWS = [["groups", "Groups"], ["runs", "Run by run"]];
const MOST_CHIPS = 12;

export function comparePage(root, app) {
  app.title("Compare");
  let leave = () => {}, round = 0, controller = new AbortController();
  const chips = h("div", { class: "chips" }), tabs = h("div", { class: "tabs", role: "tablist" }), box = h("div", { id: "compared" });
  put(root, h("div", { class: "page-head" }, h("h1", {}, "Compare runs")), chips, tabs, box);
  const chosen = () => ({ run: app.params.getAll("run"), group: app.params.getAll("group") });
  const change = (changes) => { app.keep({ baseline: null, by: null, ...changes }); load(); };

  async function choices() {
    const { run, group } = chosen(), all = (await ask("runs", {}, controller.signal)).runs.map((row) => row.key);
    const pattern = h("input", { type: "search", class: "narrow", placeholder: "pattern: base-*", "aria-label": "Add a group of runs by a pattern" });
    const out = (label, change_) => h("button", { type: "button", "aria-label": label, onclick: change_ }, "×");
    put(chips,
      run.length > MOST_CHIPS ? h("span", { class: "chip run-chip" }, `${count(run.length)} runs`, out("Take all runs out", () => change({ run: [] })))
        : run.map((key, i) => h("span", { class: "chip run-chip" }, view() === "runs" ? h("i", { css: { background: color(i)() } }) : null, h("a", { href: `/run?run=${encodeURIComponent(key)}`, "data-nav": true }, key), out(`Take ${key} out`, () => change({ run: run.filter((one) => one !== key) })))),
      group.map((word) => h("span", { class: "chip run-chip" }, word, out(`Take ${word} out`, () => change({ group: group.filter((one) => one !== word) })))),
      select("Add a run", [["", "+ add a run"], ...all.filter((key) => !run.includes(key)).slice(0, 500).map((key) => [key, key])], "", (key) => key && change({ run: [...run, key] })),
      h("form", { class: "inline", onsubmit: (event) => { event.preventDefault(); if (pattern.value.trim()) change({ group: [...group, pattern.value.trim()] }); } }, pattern, h("button", { class: "button" }, "+ add a group")));
  }

  let guessed = "runs";
  const view = () => app.params.get("view") ?? guessed;
  function head() {
    put(tabs, VIEWS.map(([name, text]) => h("button", { type: "button", role: "tab", "aria-selected": String(view() === name), onclick: () => { app.keep({ view: name }); load(); } }, text)));
  }

  async function load() {
    const mine = ++round;
    controller.abort();
    controller = new AbortController();
    leave();
    leave = () => {};
    const { run, group } = chosen(), signal = controller.signal;
    if (!run.length && !group.length) {
      put(tabs);
      put(box, h("div", { class: "empty" }, h("p", {}, "Choose two runs or more: above, or by their boxes in the list of runs."), h("p", {}, "Runs whose settings are the same but for the seed are one group. A pattern such as ", h("code", {}, "base-*"), " is a group of its own.")));
      await choices().catch(() => {});
      return;
    }
    let found = null, trouble = null;
    try {
      const needed = group.length || run.length > MOST_LAID || view() === "groups" || app.params.get("view") === null;
      if (needed) { if (!box.children.length) put(box, h("p", { class: "empty" }, "Reading the runs ...")); found = await ask("compare/groups", questionOf(app), signal); }
    } catch (error) { if (error.name === "AbortError") return; trouble = error.message; }
    if (mine !== round) return;
    if (!found && trouble) guessed = group.length || run.length > MOST_LAID || app.params.get("metric") ? "groups" : "runs";
    else guessed = found && (group.length || found.runs.length > MOST_LAID || found.groups.some((one) => one.runs > 1)) ? "groups" : "runs";
    choices().catch(() => {});
    head();
    if (view() === "groups") leave = groupsView(box, app, { found, trouble, again: load });
    else leave = overlay(box, app, group.length && found ? found.runs.map((one) => one.path) : run);
  }
  load();
  return () => { round += 1; controller.abort(); leave(); };
}
