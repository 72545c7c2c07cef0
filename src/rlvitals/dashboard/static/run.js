// The page of a run: the header with the verdict, and tabs with the data.

import { ask, unlessAborted } from "./api.js";
import { panel as panelOf } from "./dictionary.js";
import { h, put } from "./dom.js";
import { nums } from "./format.js";
import { header } from "./header.js";
import { overview } from "./overview.js";
import { ppo, system, more } from "./panels.js";
import { parameters } from "./parameters.js";
import { configuration, evaluations, notes, pictures } from "./details.js";
import { empty, tabList, withFacts } from "./widgets.js";
import { viewOf, zoomed } from "./curves.js";

/** The function of a tab fills the panel and returns handlers: {refresh, head, grown, events, evaluations, leave}. */
const TABS = [["overview", "Overview", overview], ["ppo", "Updates", ppo], ["parameters", "Parameters", parameters],
  ["evaluations", "Evaluations", evaluations], ["pictures", "Images", pictures], ["more", "All curves", more],
  ["system", "System", system], ["configuration", "Configuration", configuration], ["notes", "Notes", notes]];

/** Tabs that depend on the recorded fields; a new field recreates them. */
const OF_FIELDS = new Set(["overview", "ppo", "system"]);
const CLOCK_MS = 10_000;

export function runPage(root, app) {
  const key = app.params.get("run") ?? "";
  app.title(key);
  const page = new AbortController(), top = h("div", { class: "top" }, empty("Loading the run ..."));
  const controls = h("div", { class: "controls" }), panel = h("div", { class: "panel", id: "panel" });
  const tabs = tabList("Run details", panel, (name) => { app.keep({ tab: name === "overview" ? null : name }); current(); });
  put(root, top, tabs.element, controls, panel);
  let tab = {}, requests = new AbortController(), shownTab = null, shownFields = "", shownCounts = "", draws = 0;

  const run = {
    key, app, head: null,
    ask: (path, params) => ask(path, { run: key, ...params }, requests.signal),
    get view() { return viewOf(app.params, run.head?.reward_source ? "env_step" : "episode"); },
    change: (changes) => { app.keep(changes); current(); },
    zoom: (range) => run.change(zoomed(range)),
  };

  const chosen = () => TABS.find(([name]) => name === app.params.get("tab")) ?? TABS[0];
  const fields = (name) => (OF_FIELDS.has(name) ? JSON.stringify(run.head.fields) : "");
  const hasAny = (stream, ...panels) => panelOf(stream, ...panels).some((one) => run.head.fields[stream].includes(one.name));
  /** Number or presence of data for the optional tabs. */
  const counts = () => ({
    pictures: run.head.pictures, evaluations: run.head.evaluations, parameters: ["parameters", "attempts"].some((name) => run.head.dicts.includes(name)),
    ppo: hasAny("updates", "update", "update detail") || run.head.dicts.includes("algorithm"),
    system: ["system", "episodes"].some((stream) => hasAny(stream, "machine", "machine detail")),
  });
  function drawTabs() {
    const [current] = chosen(), has = counts();
    shownCounts = JSON.stringify(has);
    tabs.draw(TABS.filter(([name]) => !(name in has) || has[name] || name === current)
      .map(([name, text]) => [name, text, typeof has[name] === "number" ? has[name] : null]), current);
  }
  /** Leave a tab and abort its pending requests. */
  function leave() {
    requests.abort();
    requests = new AbortController();
    tab.leave?.();
    tab = {};
  }
  function current(again = false) {
    if (!run.head) return;
    const [name, , show] = chosen();
    drawTabs();
    if (shownTab === name && shownFields === fields(name)) { tab.refresh?.(again); return; }
    leave();
    [shownTab, shownFields] = [name, fields(name)];
    put(panel); put(controls);
    tab = show(panel, run, controls);
  }

  const drawHead = () => {
    if (shownFields !== fields(shownTab)) current();
    else if (shownCounts !== JSON.stringify(counts())) drawTabs();
    draws ||= requestAnimationFrame(() => { draws = 0; header(top, run); tab.head?.(); });
  };
  const takeHead = (said) => { run.head = withFacts(said); run.skew = Date.now() / 1000 - said.now; };
  const unreadable = (reason) => app.say(reason && run.head ? `The run cannot be read now: ${reason}. This page keeps retrying.` : null);
  const failed = unlessAborted((error) => {
    if (run.head) { app.say(error.message); return; }
    const what = error.status === 404 ? `Run ${key} does not exist in this folder.` : `The run cannot be read: ${error.message}.`;
    put(top, empty(h("b", {}, what), " ", h("a", { href: "/", "data-nav": true }, "All runs")));
  });
  const load = (again = false) => ask("run", { run: key }, page.signal).then((head) => {
    takeHead(head);
    header(top, run);
    unreadable(head.read_error);
    current(again);
  }).catch(failed);
  const stop = app.listen({ run: key }, {
    head: (said) => { const first = !run.head; takeHead(said); if (first) load(); else { unreadable(said.read_error); drawHead(); } },
    grown: (news) => {
      if (news.columns) [...Object.values(news.columns), ...Object.values(news.clocks)].forEach(nums);
      tab.grown?.(news);
    },
    events: (news) => tab.events?.(news.events),
    evaluations: () => tab.evaluations?.(),
    unreadable: (said) => unreadable(said.reason),
    again: () => { app.say(null); load(true); },
  });
  const clock = setInterval(() => { if (run.head) drawHead(); }, CLOCK_MS);
  load();
  return () => { page.abort(); stop(); clearInterval(clock); cancelAnimationFrame(draws); leave(); };
}
