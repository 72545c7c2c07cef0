// The parameters that were tried: what works, by lines, by cells, and by effect.

import { h, put, select } from "./dom.js";
import { metricOf, title } from "./dictionary.js";
import { isBad, num, number, percent, short } from "./format.js";
import { clear } from "./overview.js";

/** Low to high in a scale that every eye tells apart, in either light. */
const STOPS = [[48, 60, 130], [38, 110, 150], [60, 155, 125], [150, 190, 80], [245, 205, 70]];
function shade(share) {
  const at = Math.max(0, Math.min(1, share)) * (STOPS.length - 1), i = Math.min(STOPS.length - 2, Math.floor(at)), part = at - i;
  return `rgb(${STOPS[i].map((c, k) => Math.round(c + part * (STOPS[i + 1][k] - c))).join(" ")})`;
}

/** What was tried is worked out anew when there is so much more of it: that takes seconds for a long run. */
const GROWTH = 1.2, AGAIN_MS = 5000;

export function parameters(panel, run, controls) {
  put(panel, h("p", { class: "empty" }, "Reading what was tried ..."));
  let known = 0, timer = 0;
  let outcome = run.app.params.get("outcome") ?? "reward", resize = null;
  const failed = (box) => (error) => { if (error.name !== "AbortError") put(box, h("p", { class: "empty" }, error.message)); };
  const load = () => run.ask("run/parameters", { outcome }).then((found) => {
    if (!found.parameters.length) { put(panel, h("p", { class: "empty" }, "No episode said which parameters it tried. log_episode takes them as parameters={...}.")); return; }
    put(controls, select("Outcome", found.outcomes.map((name) => [name, `by ${metricOf("episodes", name).phrase}`]), found.outcome ?? "reward", (next) => { outcome = next; run.app.keep({ outcome }); load(); }));
    const names = found.parameters.filter((one) => one.low !== one.high).map((one) => one.name), canvas = h("canvas", { role: "img", "aria-label": `Parallel coordinates of ${names.length} parameters, coloured by ${title(outcome, "episodes")}` });
    const heat = h("div", { class: "heat" }), effects = h("div", {}, h("p", { class: "empty" }, "Working out what the parameters do ..."));
    let [x, y] = [run.app.params.get("px"), run.app.params.get("py")];
    if (!names.includes(x)) x = names[0];
    if (!names.includes(y) || y === x) y = names.find((name) => name !== x) ?? x;
    const cells = () => run.ask("run/heatmap", { x, y, outcome: found.outcome }).then((map) => drawHeat(heat, map)).catch(failed(heat));
    const choose = (label, value, then) => select(label, names.map((name) => [name, name]), value, then);
    put(panel,
      h("section", { class: "card" }, h("header", {}, h("h2", {}, "What was tried"), h("span", { class: "muted" }, `${number(found.values.length)} of ${number(found.episodes)} episodes, one line each`), h("span", { class: "grow" }), legend(found)), h("div", { class: "parallel" }, canvas)),
      h("div", { class: "board" },
        h("section", { class: "card" }, h("header", {}, h("h2", {}, `Mean ${metricOf("episodes", outcome).phrase}`), h("span", { class: "grow" }), choose("Across", x, (next) => { x = next; run.app.keep({ px: x }); cells(); }), "×", choose("Down", y, (next) => { y = next; run.app.keep({ py: y }); cells(); })), heat),
        h("section", { class: "card" }, h("header", {}, h("h2", {}, "What works")), effects)));
    resize?.disconnect();
    resize = new ResizeObserver(() => lines(canvas, found));
    resize.observe(canvas.parentElement);
    if (names.length) cells();
    run.ask("run/exploration").then((told) => put(effects, told ? explained(told, outcome) : h("p", { class: "empty" }, "Too little was tried."))).catch(failed(effects));
  }).catch(failed(panel));
  const begin = () => { known = run.head.rows.episodes; load(); };
  begin();
  run.refresh = (again) => { if (again) begin(); };
  run.ongrown = (news) => {
    if (news.stream === "episodes" && news.rows > GROWTH * known) timer ||= setTimeout(() => { timer = 0; begin(); }, AGAIN_MS);
  };
  const retheme = () => load();
  addEventListener("themechange", retheme);
  return () => { clearTimeout(timer); removeEventListener("themechange", retheme); resize?.disconnect(); clear(run); };
}

function extent(values) {
  const sorted = values.map(num).filter(Number.isFinite).sort((a, b) => a - b);
  return sorted.length ? [sorted[Math.floor(0.02 * (sorted.length - 1))], sorted[Math.ceil(0.98 * (sorted.length - 1))]] : [0, 1];
}

function legend(found) {
  const [low, high] = extent(found.values);
  return h("span", { class: "legend" }, number(low, 3), h("span", { class: "ramp" }, STOPS.map((_, i) => h("i", { css: { background: shade(i / (STOPS.length - 1)) } }))), number(high, 3));
}

function lines(canvas, found) {
  const box = canvas.parentElement, style = getComputedStyle(box), dense = devicePixelRatio || 1, axes = found.parameters, wide = Math.max(box.clientWidth, axes.length * 92), tall = 300;
  canvas.width = wide * dense; canvas.height = tall * dense; canvas.style.width = `${wide}px`; canvas.style.height = `${tall}px`;
  const pen = canvas.getContext("2d"), left = 46, right = wide - 46, top = 30, bottom = tall - 26;
  pen.scale(dense, dense);
  const x = (i) => (axes.length < 2 ? wide / 2 : left + ((right - left) * i) / (axes.length - 1)), y = (axis, value) => (axis.low === axis.high ? (top + bottom) / 2 : bottom - ((bottom - top) * (value - axis.low)) / (axis.high - axis.low));
  const [low, high] = extent(found.values), order = found.values.map((value, i) => [num(value), i]).sort((a, b) => (Number.isFinite(a[0]) ? a[0] : -Infinity) - (Number.isFinite(b[0]) ? b[0] : -Infinity));
  pen.lineWidth = 1; pen.lineJoin = "round";
  for (const [value, row] of order) {
    const share = (value - low) / (high - low || 1);
    pen.strokeStyle = Number.isFinite(value) ? shade(share) : style.getPropertyValue("--bad");
    pen.globalAlpha = 0.12 + 0.5 * Math.max(0, Math.min(1, share)) ** 2;
    pen.beginPath();
    let down = false;
    axes.forEach((axis, i) => { const at = axis.values[row]; if (at === null) { down = false; return; } if (down) pen.lineTo(x(i), y(axis, at)); else pen.moveTo(x(i), y(axis, at)); down = true; });
    pen.stroke();
  }
  pen.globalAlpha = 1; pen.font = "11px system-ui, sans-serif"; pen.textAlign = "center";
  axes.forEach((axis, i) => {
    pen.strokeStyle = style.getPropertyValue("--muted"); pen.beginPath(); pen.moveTo(x(i), top); pen.lineTo(x(i), bottom); pen.stroke();
    pen.fillStyle = style.getPropertyValue("--text"); pen.fillText(axis.name, x(i), 12);
    pen.fillStyle = style.getPropertyValue("--muted");
    pen.fillText(axis.levels.length ? axis.levels.at(-1) : axis.high === null ? "" : short(axis.high), x(i), top - 5); pen.fillText(axis.levels.length ? axis.levels[0] : axis.low === null ? "" : short(axis.low), x(i), bottom + 14);
  });
}

function drawHeat(box, map) {
  const all = map.means.flat().filter((value) => value !== null).map(num).filter(Number.isFinite), low = Math.min(...all), high = Math.max(...all);
  const rows = map.means.map((cells, j) => h("tr", {}, h("th", { scope: "row" }, map.y.labels[j]), cells.map((value, i) => {
    const empty = value === null, share = (num(value) - low) / (high - low || 1);
    return h("td", { title: `${map.x.name} ${map.x.labels[i]}, ${map.y.name} ${map.y.labels[j]}: ${empty ? "not tried" : `${number(value)} in ${map.counts[j][i]} episodes`}`, class: empty ? "not-tried" : "", css: empty ? {} : { "background-color": isBad(value) ? "var(--bad)" : shade(share), color: share > 0.55 ? "#101418" : "#fff" } },
      empty ? "" : cells.length <= 12 ? number(value, 2) : "");
  }))).reverse();
  put(box, h("div", { class: "table-box" }, h("table", { class: "heatmap" }, h("caption", {}, `${map.y.name} up, ${map.x.name} across`, map.means.flat().includes(null) ? "; hatched: not tried" : ""), h("tbody", {}, rows), h("tfoot", {}, h("tr", {}, h("td", {}), map.x.labels.map((text) => h("th", { scope: "col" }, text)))))));
}

function explained(told, outcome) {
  const groups = told.findings.filter((one) => one.outcome === outcome);
  const bounds = told.at_bounds.filter((one) => one.verdict.startsWith("pinned"));
  const range = (value) => (Array.isArray(value) ? value.map((one) => number(one, 3)).join(" to ") : typeof value === "number" ? number(value, 3) : String(value));
  return [groups.map((one) => h("details", { class: "effect", open: one === groups[0] }, h("summary", {}, h("b", {}, one.category ?? "All types"), one.drivers.verdict === "found" ? null : h("span", { class: "muted" }, ` ${one.drivers.verdict}`)),
    h("table", { class: "plain" }, h("thead", {}, h("tr", {}, ["Parameter", "Share of variance", "Shape", "Best"].map((text, i) => h("th", { class: i === 1 || i === 3 ? "num" : "", scope: "col" }, text)))),
      h("tbody", {}, one.drivers.effects.slice(0, 10).map((effect) => h("tr", { class: effect.drives ? "strong" : "muted" }, h("th", { scope: "row" }, effect.name), h("td", { class: "num" }, effect.drives ? percent(effect.share, 3) : "no effect shown"), h("td", {}, effect.drives ? effect.shape : ""), h("td", { class: "num" }, effect.drives ? range(effect.best) : ""))))),
    one.region.verdict.includes("better") ? h("p", {}, h("b", {}, "Best region: "), Object.entries(one.region.where).map(([name, where]) => `${name} ${range(where)}`).join(", "), `: ${number(one.region.mean)} against ${number(one.region.elsewhere)} elsewhere.`) : null)),
  bounds.length ? h("p", {}, h("b", {}, "Pinned at a bound: "), bounds.map((one) => `${one.name} (${one.verdict})`).join(", ")) : null,
  h("p", { class: "muted small" }, `${number(told.combinations.distinct)} different combinations in ${number(told.combinations.rows)} episodes.`)];
}
