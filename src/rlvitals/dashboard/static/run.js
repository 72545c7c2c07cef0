// One run: the verdict at the top, then what it rests on, by tabs.

import { h, put } from "./dom.js";
import { ask, listen, metrics } from "./api.js";
import { nums } from "./format.js";
import { header } from "./header.js";
import { overview } from "./overview.js";
import { ppo, system, more } from "./panels.js";
import { parameters } from "./parameters.js";
import { configuration, evaluations, notes, pictures } from "./details.js";

const TABS = [["overview", "Overview", overview], ["ppo", "PPO", ppo], ["parameters", "Parameters", parameters], ["evaluations", "Evaluations", evaluations],
  ["pictures", "Pictures", pictures], ["more", "All curves", more], ["system", "System", system], ["configuration", "Configuration", configuration], ["notes", "Notes", notes]];

export function runPage(root, app) {
  const key = app.params.get("run") ?? "";
  app.title(key);
  const controller = new AbortController(), top = h("div", { class: "top" }), tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Parts of the run" });
  const controls = h("div", { class: "controls" }), panel = h("div", { class: "panel", role: "tabpanel", id: "panel" });
  put(root, top, tabs, controls, panel);
  put(top, h("p", { class: "empty" }, "Reading the run ..."));

  const run = {
    key, app, head: null, dictionary: {}, charts: [], parts: [],
    ask: (path, params) => ask(path, { run: key, ...params }, controller.signal),
    get view() {
      const get = (name, otherwise) => app.params.get(name) ?? otherwise, end = (name) => (app.params.get(name) === null ? null : Number(app.params.get(name)));
      const low = end("from"), high = end("to");
      return { clock: get("x", "episode"), smoothing: Number(get("smooth", "-1")), outliers: get("outliers", "auto"), category: get("type", ""), log: new Set(app.params.getAll("log")), range: low === null && high === null ? null : [low, high] };
    },
    change(changes, options) { app.keep(changes, options); run.show(); },
    zoom(range) { run.change({ from: range ? trim(range[0]) : null, to: range ? trim(range[1]) : null }); },
    show() { current(); },
  };
  let shownTab = null, hidePanel = () => {};

  function current() {
    if (!run.head) return;
    const wanted = app.params.get("tab") ?? "overview", tab = TABS.find(([name]) => name === wanted) ?? TABS[0];
    const has = { pictures: run.head.pictures, evaluations: run.head.evaluations };
    put(tabs, TABS.filter(([name]) => !(name in has) || has[name] || name === tab[0]).map(([name, text]) => h("button", {
      type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === tab[0]), tabindex: name === tab[0] ? 0 : -1, "aria-controls": "panel",
      onclick: () => { app.keep({ tab: name === "overview" ? null : name }); current(); document.getElementById(`tab-${name}`)?.focus(); },
    }, text, has[name] ? h("span", { class: "muted" }, ` ${has[name]}`) : null)));
    panel.setAttribute("aria-labelledby", `tab-${tab[0]}`);
    if (shownTab !== tab[0]) {
      hidePanel();
      shownTab = tab[0];
      put(panel); put(controls);
      hidePanel = tab[2](panel, run, controls) ?? (() => {});
    } else run.refresh?.();
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const all = [...tabs.children], at = all.indexOf(document.activeElement);
    if (step && at >= 0) all[(at + step + all.length) % all.length].click();
  });

  let draws = 0;
  const drawHead = () => { draws ||= requestAnimationFrame(() => { draws = 0; header(top, run); run.onhead?.(); }); };
  const plainHead = (said) => { run.head = said; run.skew = Date.now() / 1000 - said.now; };
  async function load() {
    try {
      const [head, dictionary] = await Promise.all([run.ask("run"), metrics()]);
      plainHead(head);
      run.dictionary = dictionary;
      header(top, run);
      app.say(head.trouble ? `The run cannot be read at present: ${head.trouble}. This page tries again.` : null);
      current();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!run.head) put(top, h("p", { class: "empty" }, h("b", {}, error.status === 404 ? "There is no such run here. " : "The run cannot be read. "), error.message, " ", h("a", { href: "/", "data-nav": true }, "All runs")));
      else app.say(error.message);
    }
  }
  const stop = listen({ run: key }, {
    head: (said) => { const first = !run.head; plainHead(said); if (first) load(); else { app.say(said.trouble || null); drawHead(); } },
    grown: (news) => { if (news.columns) for (const values of [...Object.values(news.columns), ...Object.values(news.clocks)]) nums(values); run.ongrown?.(news); },
    events: (news) => run.onevents?.(news.events),
    evaluations: () => run.onevaluations?.(),
    trouble: (said) => app.say(`The run cannot be read at present: ${said.reason}. This page tries again.`),
    again: () => { app.say(null); load().then(() => run.refresh?.(true)); },
  }, { lost: () => app.lost(), back: () => { app.back(); load().then(() => run.refresh?.(true)); } });
  document.getElementById("connection").dataset.state = "live";
  put(document.getElementById("connection"), "live");
  const clock = setInterval(() => { if (run.head) drawHead(); }, 10_000);
  load();
  return () => { controller.abort(); stop(); clearInterval(clock); hidePanel(); };
}

const trim = (value) => String(Number(value.toPrecision(9)));
