// The list of runs: searched, sorted, filtered, pinned, and live.

import { h, put } from "./dom.js";
import { ask, listen } from "./api.js";
import { ABSENT, ago, count, number, percent, span } from "./format.js";
import { findingDots, progress, sparkline, status, withFacts } from "./badges.js";

const COLUMNS = [
  ["name", "Run", (row) => row.key.toLowerCase(), 1], ["status", "Status", (row) => row.status, 1],
  ["health", "Findings", (row) => row.findings.critical * 1e4 + row.findings.warning * 100 + row.findings.info + row.not_finite, -1],
  ["reward", "Reward", (row) => row.levels.reward?.mean ?? -Infinity, -1], ["success", "Success", (row) => row.levels.success?.mean ?? -1, -1],
  ["progress", "Progress", (row) => row.progress ?? row.env_step ?? -1, -1], ["speed", "Steps/s", (row) => row.speed ?? -1, -1],
  ["episodes", "Episodes", (row) => row.episodes, -1], ["updated", "Updated", (row) => row.updated, -1],
];
const STATUSES = ["running", "paused", "stalled", "completed", "preempted", "failed", "crashed"];
const MOST_SHOWN = 300, MOST_COMPARED = 1000;

function pins() { try { return new Set(JSON.parse(localStorage.getItem("rlvitals.pins") ?? "[]")); } catch { return new Set(); } }
function keepPins(set) { try { localStorage.setItem("rlvitals.pins", JSON.stringify([...set])); } catch { /* a private window */ } }

export function runsPage(root, app) {
  app.title("Runs");
  const rows = new Map(), lines = new Map(), pinned = pins(), chosen = new Set();
  let refused = [], folder = "", sort = app.params.get("sort") ?? "-updated", filter = app.params.get("status") ?? "", shown = MOST_SHOWN, loaded = false;
  const search = h("input", { type: "search", placeholder: "Search runs, projects, tags  ( / )", "aria-label": "Search runs", value: app.params.get("q") ?? "",
    oninput: () => { app.keep({ q: search.value }); shown = MOST_SHOWN; render(); } });
  const chips = h("div", { class: "chips", role: "group", "aria-label": "Filter by status" });
  const compare = h("a", { class: "button", "data-nav": true, hidden: true });
  const heading = h("tr", {}), body = h("tbody", {}), note = h("p", { class: "muted note" }), trouble = h("div", {});
  const more = h("button", { type: "button", class: "button", hidden: true, onclick: () => { shown += 1000; render(); } });
  put(root, h("div", { class: "page-head" }, h("h1", {}, "Runs"), h("span", { class: "muted", id: "folder" }), h("span", { class: "grow" }), compare, search), chips,
    h("div", { class: "table-box" }, h("table", { class: "runs" }, h("caption", { class: "hidden" }, "Runs in this folder"), h("thead", {}, heading), body)), more, note, trouble);

  const key = () => sort.replace(/^-/, "");
  function order() {
    const [, , by] = COLUMNS.find(([name]) => name === key()) ?? COLUMNS.at(-1);
    const sign = sort.startsWith("-") ? -1 : 1, words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    return [...rows.values()]
      .filter((row) => (!filter || row.status === filter) && words.every((word) => `${row.key} ${row.run_id} ${row.project} ${row.tags.join(" ")} ${row.status}`.toLowerCase().includes(word)))
      .sort((a, b) => {
        if (pinned.has(a.key) !== pinned.has(b.key)) return pinned.has(a.key) ? -1 : 1;
        const x = by(a), y = by(b);
        return sign * (x < y ? -1 : x > y ? 1 : 0) || (a.key < b.key ? -1 : 1);
      });
  }

  function head() {
    put(heading, h("th", { class: "pick" }, h("span", { class: "hidden" }, "Choose")), COLUMNS.map(([name, text, , first]) => {
      const on = key() === name;
      return h("th", { scope: "col", class: `c-${name}`, "aria-sort": on ? (sort.startsWith("-") ? "descending" : "ascending") : null },
        h("button", { type: "button", class: "sort", onclick: () => {
          sort = on ? (sort.startsWith("-") ? name : `-${name}`) : (first < 0 ? `-${name}` : name);
          app.keep({ sort }); render();
        } }, text, on ? (sort.startsWith("-") ? " ↓" : " ↑") : ""));
    }));
  }

  function line(row) {
    const known = lines.get(row.key);
    if (known?.row === row && known.pin === pinned.has(row.key)) return known.element;
    const pin = pinned.has(row.key), open = `/run?run=${encodeURIComponent(row.key)}`;
    const cell = (name, ...inside) => h("td", { class: `c-${name}`, "data-label": COLUMNS.find(([n]) => n === name)[1] }, inside);
    const element = h("tr", { "data-run": row.key, class: pin ? "pinned" : "", onclick: (event) => { if (!event.target.closest("a,button,input") && !getSelection().toString()) app.go(open); } },
      h("td", { class: "pick" },
        h("input", { type: "checkbox", "aria-label": `Choose ${row.key} to compare`, checked: chosen.has(row.key), onchange: (event) => { event.target.checked ? chosen.add(row.key) : chosen.delete(row.key); choice(); } }),
        h("button", { type: "button", class: "pin", "aria-pressed": String(pin), "aria-label": `Pin ${row.key}`, onclick: () => { pin ? pinned.delete(row.key) : pinned.add(row.key); keepPins(pinned); render(); } }, pin ? "★" : "☆")),
      cell("name", h("a", { href: open, "data-nav": true }, row.key), h("div", { class: "muted small" }, [row.project, ...row.tags].filter(Boolean).join(" · "))),
      cell("status", status(row.status, row.reason), row.verdict ? h("div", { class: "muted small", title: row.verdict.text }, row.verdict.title) : null),
      cell("health", row.whole ? [findingDots(row.findings, row.not_finite, row.is_judged), row.worst ? h("div", { class: "muted small" }, row.worst) : null] : h("span", { class: "muted" }, "…")),
      cell("reward", h("div", { class: "reward-cell" }, row.whole ? sparkline(row.spark, `Reward of ${row.key}, last ${count(row.levels.reward?.window)}: ${row.level_texts.reward ?? ABSENT}`) : null, h("span", { class: row.levels.reward?.not_finite ? "num bad" : "num", title: row.reward_source || null }, number(row.levels.reward?.mean), row.reward_source ? "*" : "", row.levels.reward?.not_finite ? h("div", { class: "small" }, `${count(row.levels.reward.not_finite)} not finite`) : null))),
      cell("success", h("span", { class: "num" }, row.level_texts.success ?? ABSENT)),
      cell("progress", row.progress !== null ? [progress(row.progress), h("div", { class: "muted small" }, percent(row.progress), row.seconds_left === null ? "" : `, ${span(row.seconds_left)} left`)] : h("span", { class: "num" }, row.env_step === null ? ABSENT : `${count(row.env_step)} steps`)),
      cell("speed", h("span", { class: "num" }, number(row.speed, 3))), cell("episodes", h("span", { class: "num" }, count(row.episodes))),
      cell("updated", h("time", { class: "num", "data-at": row.updated, datetime: new Date(row.updated * 1000).toISOString?.() ?? null }, ago(Date.now() / 1000 - row.updated))));
    lines.set(row.key, { row, pin, element });
    return element;
  }

  /** The runs that are chosen can be compared, or else all that a search or a status leaves. */
  function choice(found = order()) {
    const narrowed = search.value.trim() || filter, all = chosen.size < 2 && narrowed && found.length > 1 && found.length <= MOST_COMPARED;
    const keys = all ? [...found].sort((a, b) => a.started - b.started || (a.key < b.key ? -1 : 1)).map((row) => row.key) : [...chosen]; // the first is held against
    compare.hidden = keys.length < 2;
    compare.setAttribute("href", `/compare?${keys.map((run) => `run=${encodeURIComponent(run)}`).join("&")}`);
    put(compare, all ? `Compare all ${count(keys.length)}` : `Compare ${count(keys.length)} runs`);
  }

  let planned = 0;
  const later = () => { planned ||= requestAnimationFrame(() => { planned = 0; render(); }); };
  function render() {
    const counts = {};
    for (const row of rows.values()) counts[row.status] = (counts[row.status] ?? 0) + 1;
    put(chips, [["", "all", rows.size], ...STATUSES.filter((name) => counts[name]).map((name) => [name, name, counts[name]])].map(([name, text, n]) =>
      h("button", { type: "button", class: "chip", "data-status": name || null, "aria-pressed": String(filter === name), onclick: () => { filter = name; app.keep({ status: name }); render(); } }, text, h("span", { class: "muted" }, ` ${count(n)}`))));
    head();
    const found = order();
    choice(found);
    put(body, found.slice(0, shown).map(line));
    more.hidden = found.length <= shown;
    put(more, `Show ${count(Math.min(1000, found.length - shown))} more of ${count(found.length)}`);
    put(note, !loaded ? "Looking into the folder ..." : rows.size ? (found.length ? "" : "No run fits the search.") : [h("b", {}, "There is no run in this folder yet. "), "Start a training with a TrainingMonitor that writes here: this page shows it at once."]);
    put(trouble, refused.length ? h("details", { class: "card refused" }, h("summary", {}, `${refused.length} folder${refused.length > 1 ? "s" : ""} could not be opened`), h("ul", {}, refused.map((one) => h("li", {}, h("b", {}, one.key), ": ", one.reason)))) : null);
    put(document.getElementById("folder"), folder ? `in ${folder}` : "");
  }

  function take(news) {
    for (const row of news.rows) rows.set(row.key, withFacts(row));
    for (const key of news.gone) { rows.delete(key); chosen.delete(key); }
    refused = news.refused;
  }
  let meanwhile = null;
  async function load() {
    const mine = meanwhile = [];
    try {
      const found = await ask("runs");
      rows.clear();
      for (const row of found.runs) rows.set(row.key, withFacts(row));
      [refused, folder, loaded] = [found.refused, found.folder, true];
      mine.forEach(take); // the answer may have been made before them
      render();
    } catch (error) { app.lost(error.message); } finally { if (meanwhile === mine) meanwhile = null; }
  }
  const stop = listen({}, {
    hello: load, // what comes from now on is heard
    list: (news) => { meanwhile?.push(news); take(news); later(); },
    again: load,
  }, { lost: () => { app.lost(); if (!loaded) load(); }, back: () => app.back() });
  const clock = setInterval(() => { for (const time of body.querySelectorAll("time")) put(time, ago(Date.now() / 1000 - Number(time.dataset.at))); }, 5000);
  document.getElementById("connection").dataset.state = "live";
  put(document.getElementById("connection"), "live");
  render();
  return () => { stop(); clearInterval(clock); };
}
