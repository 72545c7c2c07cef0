// Drawing a chart with a pen: grid, healthy range, spread, lines, what is not finite, marks, cursor.

import { percent, short, span } from "./format.js";
import { logTicks, ticks, timeTicks } from "./pen.js";

const FONT = "11px system-ui, sans-serif";

export function draw(pen, view, chart) {
  const colors = palette(chart.element), { area, px, py } = view;
  pen.font = FONT;
  grid(pen, view, chart, colors);
  pen.save();
  pen.beginPath(); pen.rect(area.left, area.top - 2, area.right - area.left, area.bottom - area.top + 4); pen.clip();
  healthy(pen, view, chart.options.healthy, colors);
  for (const line of chart.lines) if (line.band) band(pen, line.band, view, line.color());
  for (const mark of chart.marks) if (mark.x !== null && mark.x !== undefined) flag(pen, view, mark, colors);
  for (const line of chart.lines) levels(pen, view, line, colors);
  for (const line of chart.lines) if (!line.smoothOnly) trail(pen, line.raw, px, py, line.color(), line.smooth ? 0.26 : 0.95, line.smooth ? 1 : 1.6, view);
  for (const line of chart.lines) if (line.smooth) trail(pen, line.smooth, px, py, line.color(), 1, 2.1, view);
  for (const line of chart.lines) broken(pen, view, line.raw, colors);
  if (chart.drag) { pen.globalAlpha = 0.15; pen.fillStyle = colors.accent; pen.fillRect(Math.min(chart.drag.from, chart.drag.to), area.top, Math.abs(chart.drag.to - chart.drag.from), area.bottom - area.top); pen.globalAlpha = 1; }
  if (chart.cursor !== null) stroke(pen, [[px(chart.cursor), area.top], [px(chart.cursor), area.bottom]], colors.muted, 1, 0.7);
  pen.restore();
}

function palette(element) {
  const style = getComputedStyle(element), get = (name) => style.getPropertyValue(name).trim();
  return { grid: get("--line"), muted: get("--muted"), good: get("--good"), bad: get("--bad"), watch: get("--watch"), accent: get("--accent"), text: get("--text") };
}

function stroke(pen, points, color, width = 1, alpha = 1, dash = []) {
  pen.strokeStyle = color; pen.lineWidth = width; pen.globalAlpha = alpha; pen.setLineDash(dash);
  pen.beginPath();
  points.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
  pen.setLineDash([]); pen.globalAlpha = 1;
}

function grid(pen, { area, x, y, px, py, width }, chart, colors) {
  pen.fillStyle = colors.muted; pen.textBaseline = "middle"; pen.textAlign = "right";
  const rows = Math.max(2, Math.round((area.bottom - area.top) / 46));
  for (const at of chart.log ? logTicks(y.low, y.high) : ticks(y.low, y.high, rows)) {
    const place = Math.round(py(at)) + 0.5;
    if (place < area.top - 1 || place > area.bottom + 1) continue;
    stroke(pen, [[area.left, place], [area.right, place]], colors.grid);
    pen.fillText(chart.options.unit ? percent(at) : short(at), area.left - 7, place);
  }
  pen.textBaseline = "top"; pen.textAlign = "center";
  const columns = Math.max(2, Math.round((area.right - area.left) / 105));
  for (const at of chart.clock === "time" ? timeTicks(x.low, x.high, columns) : ticks(x.low, x.high, columns)) {
    const place = Math.round(px(at)) + 0.5;
    if (place < area.left + 4 || place > area.right) continue;
    const text = chart.clock === "time" ? span(at) : short(at), half = pen.measureText(text).width / 2;
    stroke(pen, [[place, area.bottom], [place, area.bottom + 4]], colors.grid);
    pen.fillText(text, Math.min(place, width - half - 2), area.bottom + 8);
  }
}

function healthy(pen, { area, y, py }, range, colors) {
  if (!range || (range.low === null && range.high === null)) return;
  const top = range.high === null ? area.top : Math.max(area.top, py(Math.min(range.high, y.high)));
  const bottom = range.low === null ? area.bottom : Math.min(area.bottom, py(Math.max(range.low, y.low)));
  if (!(bottom > top)) return;
  pen.globalAlpha = 0.08; pen.fillStyle = colors.good;
  pen.fillRect(area.left, top, area.right - area.left, bottom - top);
  pen.globalAlpha = 1;
  for (const end of [range.low, range.high]) if (end !== null && end > y.low && end < y.high) stroke(pen, [[area.left, py(end)], [area.right, py(end)]], colors.good, 1, 0.5, [2, 4]);
}

/** Where it has no ends there is a gap; what a logarithmic scale has no place for is below the edge. */
function band(pen, { x, low, high }, { area, px, py: place }, color) {
  const far = 4 * (area.bottom - area.top), py = (value) => { const at = place(value); return Number.isNaN(at) ? area.bottom + far : Math.max(area.top - far, Math.min(area.bottom + far, at)); };
  const known = (i) => low[i] !== null && high[i] !== null;
  pen.fillStyle = color; pen.globalAlpha = 0.12;
  for (let from = 0; from < x.length; from++) {
    if (!known(from)) continue;
    let to = from;
    while (to + 1 < x.length && known(to + 1)) to += 1;
    pen.beginPath();
    for (let i = from; i <= to; i++) (i > from ? pen.lineTo(px(x[i]), py(high[i])) : pen.moveTo(px(x[i]), py(high[i])));
    for (let i = to; i >= from; i--) pen.lineTo(px(x[i]), py(low[i]));
    pen.closePath(); pen.fill();
    from = to;
  }
  pen.globalAlpha = 1;
}

function trail(pen, { x, y }, px, py, color, alpha, width, { area }) {
  pen.strokeStyle = color; pen.globalAlpha = alpha; pen.lineWidth = width; pen.lineJoin = "round";
  pen.beginPath();
  let down = false, single = 0;
  const far = 4 * (area.bottom - area.top);
  for (let i = 0; i < x.length; i++) {
    const at = py(y[i]);
    if (!Number.isFinite(y[i]) || !Number.isFinite(at)) { down = false; continue; }
    const place = Math.max(area.top - far, Math.min(area.bottom + far, at));
    if (down) pen.lineTo(px(x[i]), place); else { pen.moveTo(px(x[i]), place); single += 1; }
    down = true;
  }
  pen.stroke();
  if (single && x.length <= 60) { // few points: each is shown
    pen.fillStyle = color;
    for (let i = 0; i < x.length; i++) { const at = py(y[i]); if (Number.isFinite(y[i]) && Number.isFinite(at)) pen.fillRect(px(x[i]) - 1.5, at - 1.5, 3, 3); }
  }
  pen.globalAlpha = 1;
}

/** NaN is a red line from top to bottom with a cross below; infinities are arrows at the edge they went over. */
function broken(pen, { area, px }, { x, y }, colors) {
  for (let i = 0; i < x.length; i++) {
    if (Number.isFinite(y[i]) || y[i] === null) continue; // null: there was nothing
    const at = px(x[i]);
    stroke(pen, [[at, area.top], [at, area.bottom]], colors.bad, 1, 0.25);
    if (Number.isNaN(y[i])) {
      stroke(pen, [[at - 3, area.bottom - 7], [at + 3, area.bottom - 1]], colors.bad, 1.6);
      stroke(pen, [[at - 3, area.bottom - 1], [at + 3, area.bottom - 7]], colors.bad, 1.6);
    } else {
      const [tip, base] = y[i] > 0 ? [area.top, area.top + 7] : [area.bottom, area.bottom - 7];
      stroke(pen, [[at - 4, base], [at, tip], [at + 4, base]], colors.bad, 1.8);
    }
  }
}

function levels(pen, { area, py, px }, line, colors) {
  const named = [];
  (line.levels ?? []).forEach((value, i) => {
    const at = py(value), taken = named.some((other) => Math.abs(other - at) < 12);
    stroke(pen, [[area.left, at], [area.right, at]], colors.muted, 1.2, 0.9, [5, 4]);
    pen.fillStyle = colors.muted; pen.textAlign = "right"; pen.textBaseline = "alphabetic";
    if (!taken) { named.push(at); pen.fillText(line.levelNames?.[i] ?? "", area.right - 4, at - 4); }
  });
}

function flag(pen, { area, px }, mark, colors) {
  const at = Math.round(px(mark.x)) + 0.5;
  const color = { critical: colors.bad, warning: colors.watch }[mark.severity] ?? colors.accent;
  stroke(pen, [[at, area.top], [at, area.bottom]], color, 1.2, mark.severity === "info" ? 0.5 : 0.85, [4, 3]);
  pen.fillStyle = color;
  pen.beginPath(); pen.moveTo(at, area.top); pen.lineTo(at + 8, area.top + 4); pen.lineTo(at, area.top + 8); pen.closePath(); pen.fill();
}
