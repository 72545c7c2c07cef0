// The live list of runs, with search, sorting, filters and pins.

import { ask, fillQuery } from "./api.js";
import { h, put, refill, stored } from "./dom.js";
import { ABSENT, ago, count, number, percent, span } from "./format.js";
import { button, findingDots, progress, refusals, runHref, runLink, small, sparkline, status, withFacts } from "./widgets.js";

const num = (...inside) => h("span", { class: "num" }, inside);

function rewardCell({ key, levels: { reward }, level_texts: texts, spark, reward_source: source, whole }) {
  const line = whole ? sparkline(spark, `Reward of ${key}, last ${count(reward?.window)}: ${texts.reward ?? ABSENT}`) : null;
  const bad = reward?.not_finite ? h("div", { class: "small" }, `${count(reward.not_finite)} of the last ${count(reward.window)} non-finite`) : null;
  return h("div", { class: "reward-cell" }, line, h("span", { class: bad ? "num bad" : "num", title: source || null }, number(reward?.mean), source ? "*" : "", bad));
}

function progressCell({ progress: share, seconds_left: left, env_step: step }) {
  if (share === null) return num(step === null ? ABSENT : `${count(step)} steps`);
  return [progress(share), small(percent(share), left === null ? "" : `, ${span(left)} left`)];
}

/** Columns by name: title, sort key, initial sort direction, and cell. */
const COLUMNS = {
  name: ["Run", (row) => row.key.toLowerCase(), 1, (row) => [runLink(row.key), small([row.project, ...row.tags].filter(Boolean).join(" · "))]],
  status: ["Status", (row) => row.status, 1, ({ status: name, reason, verdict }) => [
    status(name, reason), verdict && h("div", { class: "muted small", title: verdict.text }, verdict.title)]],
  health: ["Findings", ({ findings: { critical, warning, info }, not_finite: bad }) => critical * 1e4 + warning * 100 + info + bad, -1,
    (row) => [findingDots(row), row.worst !== row.verdict?.title && small(row.worst)]],
  reward: ["Reward", (row) => row.levels.reward?.mean ?? -Infinity, -1, rewardCell],
  success: ["Success", (row) => row.levels.success?.mean ?? -1, -1, (row) => num(row.level_texts.success ?? ABSENT)],
  progress: ["Progress", (row) => row.progress ?? row.env_step ?? -1, -1, progressCell],
  speed: ["Steps/s", (row) => row.speed ?? -1, -1, (row) => num(number(row.speed, 3))],
  episodes: ["Episodes", (row) => row.episodes, -1, (row) => num(count(row.episodes))],
  updated: ["Updated", (row) => row.updated, -1,
    (row) => h("time", { class: "num", "data-at": row.updated, datetime: new Date(row.updated * 1000).toISOString() }, ago(Date.now() / 1000 - row.updated))],
};
const STATUSES = ["running", "paused", "stalled", "completed", "preempted", "failed", "crashed"];
/** Initial order. The time of the last record changes all the time, which would move the rows of live runs. */
const NEWEST = "-started";
const MOST_SHOWN = 300, MORE = 1000, MOST_COMPARED = 1000, CLOCK_MS = 5000, PINS = "rlvitals.pins";

/** Read the pinned runs; stored data can be damaged. */
const keptPins = () => { try { return new Set(JSON.parse(stored(PINS))); } catch { return new Set(); } };
const toggle = (set, key, on) => (on ? set.add(key) : set.delete(key));
const compared = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

export function runsPage(root, app) {
  app.title("Runs");
  const rows = new Map(), lines = new Map(), pinned = keptPins(), chosen = new Set();
  let refused = [], folder = "", sort = app.params.get("sort") ?? NEWEST, filter = app.params.get("status") ?? "", shown = MOST_SHOWN;
  let loaded = false, planned = 0, meanwhile = null;
  const search = h("input", { type: "search", placeholder: "Search runs, projects, tags  ( / )", "aria-label": "Search runs", value: app.params.get("q") ?? "",
    oninput: () => { app.keep({ q: search.value }); shown = MOST_SHOWN; render(); } });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Filter by status" }), where = h("span", { class: "muted" });
  const compare = h("a", { class: "button", "data-nav": true, hidden: true });
  const heading = h("tr", {}), body = h("tbody", {}), note = h("p", { class: "muted note" }), unread = h("div", {});
  const more = button("", () => { shown += MORE; render(); }, { hidden: true });
  put(root, h("div", { class: "page-head" }, h("h1", {}, "Runs"), where, h("span", { class: "grow" }), compare, search), chips,
    h("div", { class: "table-box" }, h("table", { class: "runs" }, h("caption", { class: "hidden" }, "Runs in this folder"), h("thead", {}, heading), body)),
    more, note, unread);

  function order() {
    const down = sort.startsWith("-"), by = COLUMNS[sort.replace("-", "")]?.[1] ?? ((row) => row.started), words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (row) => [row.key, row.run_id, row.project, ...row.tags, row.status].join(" ").toLowerCase();
    return [...rows.values()].filter((row) => (!filter || row.status === filter) && words.every((word) => text(row).includes(word)))
      .sort((a, b) => pinned.has(b.key) - pinned.has(a.key) || (down ? -1 : 1) * compared(by(a), by(b)) || compared(a.key, b.key));
  }

  function head() {
    const down = sort.startsWith("-");
    refill(heading, h("th", { class: "pick" }, h("span", { class: "hidden" }, "Select")), Object.entries(COLUMNS).map(([name, [text, , first]]) => {
      const on = sort.replace("-", "") === name, goesDown = on ? !down : first < 0;
      const act = () => { sort = goesDown ? `-${name}` : name; app.keep({ sort }); render(); };
      return h("th", { scope: "col", class: `c-${name}`, "aria-sort": on ? (down ? "descending" : "ascending") : null },
        button([text, on ? (down ? " ↓" : " ↑") : ""], act, { class: "sort" }));
    }));
  }

  function line(row) {
    const { key } = row, known = lines.get(key), pin = pinned.has(key);
    if (known?.row === row && known.pin === pin) return known.element;
    const open = (event) => { if (!event.target.closest("a,button,input") && !getSelection().toString()) app.go(runHref(key)); };
    const choose = (event) => { toggle(chosen, key, event.target.checked); choice(); };
    const turn = () => { toggle(pinned, key, !pin); stored(PINS, JSON.stringify([...pinned])); render(); };
    const element = h("tr", { "data-run": key, class: pin ? "pinned" : "", onclick: open },
      h("td", { class: "pick" }, h("input", { type: "checkbox", "aria-label": `Select ${key} to compare`, checked: chosen.has(key), onchange: choose }),
        button(pin ? "★" : "☆", turn, { class: "pin", "aria-pressed": String(pin), "aria-label": `Pin ${key}` })),
      Object.entries(COLUMNS).map(([name, [text, , , cell]]) => h("td", { class: `c-${name}`, "data-label": text }, cell(row))));
    lines.set(key, { row, pin, element });
    return element;
  }

  /** Update the compare button for the selected runs or, without a selection, all runs that match the filters. */
  function choice(found = order()) {
    const narrowed = search.value.trim() || filter, all = chosen.size < 2 && narrowed && found.length > 1 && found.length <= MOST_COMPARED;
    const begun = (a, b) => a.started - b.started || compared(a.key, b.key); // the first is the baseline
    const keys = all ? [...found].sort(begun).map((row) => row.key) : [...chosen];
    compare.hidden = keys.length < 2;
    compare.setAttribute("href", `/compare${fillQuery(new URLSearchParams(), { run: keys })}`);
    put(compare, all ? `Compare all ${count(keys.length)}` : `Compare ${count(keys.length)} runs`);
  }

  function nothing(found) {
    if (!loaded) return "Loading the runs ...";
    if (rows.size) return found.length ? "" : "No run matches the search. Change the search or the status filter.";
    return [h("b", {}, "No runs yet. "), "Record one with a TrainingMonitor that writes to this folder. It appears here immediately."];
  }

  const later = () => { planned ||= requestAnimationFrame(() => { planned = 0; render(); }); };
  function render() {
    const found = order(), left = found.length - shown, all = [...rows.values()], many = (name) => all.filter((row) => row.status === name).length;
    const statuses = STATUSES.map((name) => [name, name, many(name)]).filter(([, , n]) => n);
    const choose = (name) => { filter = name; app.keep({ status: name }); render(); };
    refill(chips, [["", "all", rows.size], ...statuses].map(([name, text, n]) => button([text, h("span", { class: "muted" }, ` ${count(n)}`)], () => choose(name),
      { class: "chip", "data-status": name || null, "aria-pressed": String(filter === name) })));
    head();
    choice(found);
    refill(body, found.slice(0, shown).map(line));
    more.hidden = left <= 0;
    put(more, `Show ${count(Math.min(MORE, left))} more of ${count(found.length)}`);
    put(note, nothing(found));
    put(unread, refusals(refused, `${refused.length} folder${refused.length > 1 ? "s" : ""} could not be opened`));
    put(where, folder ? `in ${folder}` : "");
  }

  function take(news) {
    for (const row of news.rows) rows.set(row.key, withFacts(row));
    for (const key of news.gone) { rows.delete(key); chosen.delete(key); }
    refused = news.refused;
  }
  async function load() {
    const mine = meanwhile = [];
    try {
      const found = await ask("runs");
      rows.clear();
      take({ rows: found.runs, gone: [], refused: found.refused });
      [folder, loaded] = [found.folder, true];
      mine.forEach(take); // apply changes that the answer can lack
      render();
    } catch (error) { app.lost(error.message); } finally { if (meanwhile === mine) meanwhile = null; }
  }
  const stop = app.listen({}, {
    hello: load, // load after the stream is connected, to miss no change
    list: (news) => { meanwhile?.push(news); take(news); later(); },
    again: load,
  }, { lost: () => { app.lost(); if (!loaded) load(); }, back: () => {} });
  const clock = setInterval(() => { for (const time of body.querySelectorAll("time")) put(time, ago(Date.now() / 1000 - Number(time.dataset.at))); }, CLOCK_MS);
  render();
  return () => { stop(); clearInterval(clock); };
}
