// One run: the verdict at the top, then what it rests on, by tabs.

import { withFacts } from "./badges.js";
import { h, put } from "./dom.js";
import { ask, listen } from "./api.js";
import { panel as panelOf } from "./dictionary.js";
import { nums } from "./format.js";
import { header } from "./header.js";
import { overview } from "./overview.js";
import { ppo, system, more } from "./panels.js";
import { parameters } from "./parameters.js";
import { configuration, evaluations, notes, pictures } from "./details.js";

const TABS = [["overview", "Overview", overview], ["ppo", "Updates", ppo], ["parameters", "Parameters", parameters], ["evaluations", "Evaluations", evaluations],
  ["pictures", "Pictures", pictures], ["more", "All curves", more], ["system", "System", system], ["configuration", "Configuration", configuration], ["notes", "Notes", notes]];

/** The parts that show what there is: a first update, or a metric that comes late, makes them anew. */
const OF_FIELDS = new Set(["overview", "ppo", "system"]);

export function runPage(root, app) {
  const key = app.params.get("run") ?? "";
  app.title(key);
  const controller = new AbortController(), top = h("div", { class: "top" }), tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the run" });
  const controls = h("div", { class: "controls" }), panel = h("div", { class: "panel", role: "tabpanel", id: "panel" });
  put(root, top, tabs, controls, panel);
  put(top, h("p", { class: "empty" }, "Reading the run ..."));

  const run = {
    key, app, head: null,
    ask: (path, params) => ask(path, { run: key, ...params }, controller.signal),
    get view() {
      const get = (name, otherwise) => app.params.get(name) ?? otherwise, end = (name) => (app.params.get(name) === null ? null : Number(app.params.get(name)));
      const low = end("from"), high = end("to");
      return { clock: get("x", run.head?.reward_source ? "env_step" : "episode"), smoothing: Number(get("smooth", "-1")), outliers: get("outliers", "auto"), category: get("type", ""), log: new Set(app.params.getAll("log")), range: low === null && high === null ? null : [low, high] };
    },
    change(changes, options) { app.keep(changes, options); run.show(); },
    zoom(range) { run.change({ from: range ? trim(range[0]) : null, to: range ? trim(range[1]) : null }); },
    show() { current(); },
  };
  let shownTab = null, shownFields = "", shownCounts = "", hidePanel = () => {};

  const chosen = () => { const wanted = app.params.get("tab") ?? "overview"; return TABS.find(([name]) => name === wanted) ?? TABS[0]; };
  const fields = (name) => (OF_FIELDS.has(name) ? JSON.stringify(run.head.fields) : "");
  /** What there is for the parts that not every run has, by part. */
  const counts = () => ({ pictures: run.head.pictures, evaluations: run.head.evaluations, ppo: hasAny("updates", "update", "update detail") || run.head.dicts.includes("algorithm"), parameters: run.head.dicts.includes("parameters"), system: hasAny("system", "machine", "machine detail") || hasAny("episodes", "machine", "machine detail") });
  const hasAny = (stream, ...panels) => panelOf(stream, ...panels).some((one) => run.head.fields[stream].includes(one.name));
  function drawTabs() {
    const tab = chosen(), has = counts(), focused = tabs.contains(document.activeElement) ? document.activeElement.id : "";
    shownCounts = JSON.stringify(has);
    put(tabs, TABS.filter(([name]) => !(name in has) || has[name] || name === tab[0]).map(([name, text]) => h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === tab[0]), tabindex: name === tab[0] ? 0 : -1, "aria-controls": "panel",
      onclick: () => { app.keep({ tab: name === "overview" ? null : name }); current(); document.getElementById(`tab-${name}`)?.focus(); },
    }, text, typeof has[name] === "number" && has[name] ? h("span", { class: "muted" }, ` ${has[name]}`) : null)));
    if (focused) document.getElementById(focused)?.focus();
  }
  function current(again = false) {
    if (!run.head) return;
    const [name, , show] = chosen();
    drawTabs();
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    if (shownTab !== name || shownFields !== fields(name)) {
      hidePanel();
      [shownTab, shownFields] = [name, fields(name)];
      put(panel); put(controls);
      hidePanel = show(panel, run, controls) ?? (() => {});
    } else run.refresh?.(again);
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const all = [...tabs.children], at = all.indexOf(document.activeElement);
    if (step && at >= 0) all[(at + step + all.length) % all.length].click();
  });

  let draws = 0;
  const drawHead = () => {
    if (shownFields !== fields(shownTab)) current();
    else if (shownCounts !== JSON.stringify(counts())) drawTabs();
    draws ||= requestAnimationFrame(() => { draws = 0; header(top, run); run.onhead?.(); });
  };
  const plainHead = (said) => { run.head = withFacts(said); run.skew = Date.now() / 1000 - said.now; };
  async function load(again = false) {
    try {
      const head = await run.ask("run");
      plainHead(head);
      header(top, run);
      app.say(head.read_error ? `The run cannot be read at present: ${head.read_error}. This page tries again.` : null);
      current(again);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!run.head) put(top, h("p", { class: "empty" }, h("b", {}, error.status === 404 ? "There is no such run here. " : "The run cannot be read. "), error.message, " ", h("a", { href: "/", "data-nav": true }, "All runs")));
      else app.say(error.message);
    }
  }
  const stop = listen({ run: key }, {
    head: (said) => { const first = !run.head; plainHead(said); if (first) load(); else { app.say(said.read_error || null); drawHead(); } },
    grown: (news) => { if (news.columns) for (const values of [...Object.values(news.columns), ...Object.values(news.clocks)]) nums(values); run.ongrown?.(news); },
    events: (news) => run.onevents?.(news.events),
    evaluations: () => run.onevaluations?.(),
    unreadable: (said) => app.say(`The run cannot be read at present: ${said.reason}. This page tries again.`),
    again: () => { app.say(null); load(true); },
  }, { lost: () => app.lost(), back: () => { app.back(); load(true); } });
  document.getElementById("connection").dataset.state = "live";
  put(document.getElementById("connection"), "live");
  const clock = setInterval(() => { if (run.head) drawHead(); }, 10_000);
  load();
  return () => { controller.abort(); stop(); clearInterval(clock); hidePanel(); };
}

const trim = (value) => String(Number(value.toPrecision(9)));
