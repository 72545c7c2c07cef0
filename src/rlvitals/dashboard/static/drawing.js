// Drawing of a chart on a canvas context: grid, healthy range, bands, lines, non-finite values, marks, cursor.

import { percent, short, span } from "./format.js";
import { clamp, logTicks, ticks } from "./scale.js";

const FONT = "11px system-ui, sans-serif";
/** Distance beyond the edges up to which lines are drawn, in chart heights. */
const BEYOND = 4;

export function draw(context, view, chart) {
  const colors = palette(chart.element), { area, px } = view, { lines, drag, cursor } = chart;
  context.font = FONT;
  grid(context, view, chart, colors);
  context.save();
  context.beginPath(); context.rect(area.left, area.top - 2, area.right - area.left, area.bottom - area.top + 4); context.clip();
  healthy(context, view, chart.options.healthy, colors);
  for (const line of lines) if (line.band) band(context, line.band, view, line.color());
  for (const mark of chart.marks) if (mark.x != null) flag(context, view, mark, colors);
  for (const line of lines) levels(context, view, line, colors);
  for (const line of lines) if (!line.smoothOnly) trail(context, line.raw, view, line.color(), ...(line.smooth ? [0.26, 1] : [0.95, 1.6]));
  for (const line of lines) if (line.smooth) trail(context, line.smooth, view, line.color(), 1, 2.1);
  for (const line of lines) broken(context, view, line.raw, colors);
  if (drag) shade(context, colors.accent, 0.15, drag.from, area.top, drag.to - drag.from, area.bottom - area.top);
  if (cursor !== null) stroke(context, [[px(cursor), area.top], [px(cursor), area.bottom]], colors.muted, 1, 0.7);
  context.restore();
}

function shade(context, color, alpha, ...rect) {
  context.fillStyle = color; context.globalAlpha = alpha;
  context.fillRect(...rect);
  context.globalAlpha = 1;
}

function palette(element) {
  const style = getComputedStyle(element), names = { grid: "line", muted: "muted", good: "good", bad: "bad", watch: "watch", accent: "accent" };
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, style.getPropertyValue(`--${name}`).trim()]));
}

function stroke(context, points, color, width = 1, alpha = 1, dash = []) {
  context.strokeStyle = color; context.lineWidth = width; context.globalAlpha = alpha; context.setLineDash(dash);
  context.beginPath();
  points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.stroke();
  context.setLineDash([]); context.globalAlpha = 1;
}

function grid(context, { area, x, y, px, py, width }, chart, colors) {
  context.fillStyle = colors.muted; context.textBaseline = "middle"; context.textAlign = "right";
  const rows = Math.max(2, Math.round((area.bottom - area.top) / 46));
  for (const at of chart.log ? logTicks(y.low, y.high) : ticks(y.low, y.high, rows)) {
    const place = Math.round(py(at)) + 0.5;
    if (place < area.top - 1 || place > area.bottom + 1) continue;
    stroke(context, [[area.left, place], [area.right, place]], colors.grid);
    context.fillText(chart.options.unit ? percent(at) : short(at), area.left - 7, place);
  }
  context.textBaseline = "top"; context.textAlign = "center";
  const columns = Math.max(2, Math.round((area.right - area.left) / 105));
  const time = chart.clock === "time";
  for (const at of ticks(x.low, x.high, columns, { time })) {
    const place = Math.round(px(at)) + 0.5;
    if (place < area.left + 4 || place > area.right + 1) continue;
    const text = time ? span(at) : short(at), half = context.measureText(text).width / 2;
    stroke(context, [[place, area.bottom], [place, area.bottom + 4]], colors.grid);
    context.fillText(text, Math.min(place, width - half - 2), area.bottom + 8);
  }
}

function healthy(context, { area, y, py }, range, colors) {
  if (!range) return;
  const top = Math.max(area.top, py(Math.min(range.high, y.high))), bottom = Math.min(area.bottom, py(Math.max(range.low, y.low)));
  if (!(bottom > top)) return;
  shade(context, colors.good, 0.08, area.left, top, area.right - area.left, bottom - top);
  for (const end of [range.low, range.high]) {
    if (end > y.low && end < y.high) stroke(context, [[area.left, py(end)], [area.right, py(end)]], colors.good, 1, 0.5, [2, 4]);
  }
}

/** Return the function from a value to its vertical position; NaN for values that the scale cannot show. */
function placed({ area, py }) {
  const far = BEYOND * (area.bottom - area.top);
  return (value) => clamp(py(value), area.top - far, area.bottom + far);
}

/** Draw a band. Missing ends leave a gap; ends that a logarithmic scale cannot show are drawn below the edge. */
function band(context, { x, low, high }, view, color) {
  const { area, px } = view, place = placed(view), below = (1 + BEYOND) * area.bottom;
  const point = (i, ends) => { const at = place(ends[i]); return [px(x[i]), Number.isNaN(at) ? below : at]; };
  const known = (i) => low[i] !== null && high[i] !== null;
  context.fillStyle = color; context.globalAlpha = 0.12;
  for (let from = 0; from < x.length; from++) {
    if (!known(from)) continue;
    let to = from;
    while (to + 1 < x.length && known(to + 1)) to += 1;
    context.beginPath();
    context.moveTo(...point(from, high));
    for (let i = from + 1; i <= to; i++) context.lineTo(...point(i, high));
    for (let i = to; i >= from; i--) context.lineTo(...point(i, low));
    context.closePath(); context.fill();
    from = to;
  }
  context.globalAlpha = 1;
}

function trail(context, { x, y }, view, color, alpha, width) {
  const place = placed(view), few = x.length <= 60; // mark each point of a short line
  context.strokeStyle = context.fillStyle = color; context.globalAlpha = alpha; context.lineWidth = width; context.lineJoin = "round";
  context.beginPath();
  let down = false;
  for (let i = 0; i < x.length; i++) {
    const at = [view.px(x[i]), Number.isFinite(y[i]) ? place(y[i]) : NaN], drawn = Number.isFinite(at[1]);
    if (drawn && down) context.lineTo(...at); else if (drawn) context.moveTo(...at);
    if (drawn && few) context.fillRect(at[0] - 1.5, at[1] - 1.5, 3, 3);
    down = drawn;
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** Mark NaN with a red vertical line and a cross at the bottom, and infinities with arrows at the top or bottom edge. */
function broken(context, { area, px }, { x, y }, colors) {
  for (let i = 0; i < x.length; i++) {
    if (Number.isFinite(y[i]) || y[i] === null) continue; // null is a missing value
    const at = px(x[i]);
    stroke(context, [[at, area.top], [at, area.bottom]], colors.bad, 1, 0.25);
    if (Number.isNaN(y[i])) {
      stroke(context, [[at - 3, area.bottom - 7], [at + 3, area.bottom - 1]], colors.bad, 1.6);
      stroke(context, [[at - 3, area.bottom - 1], [at + 3, area.bottom - 7]], colors.bad, 1.6);
    } else {
      const [tip, base] = y[i] > 0 ? [area.top, area.top + 7] : [area.bottom, area.bottom - 7];
      stroke(context, [[at - 4, base], [at, tip], [at + 4, base]], colors.bad, 1.8);
    }
  }
}

function levels(context, { area, py, px }, line, colors) {
  const named = [];
  (line.levels ?? []).forEach((value, i) => {
    const at = py(value), taken = named.some((other) => Math.abs(other - at) < 12);
    stroke(context, [[area.left, at], [area.right, at]], colors.muted, 1.2, 0.9, [5, 4]);
    context.fillStyle = colors.muted; context.textAlign = "right"; context.textBaseline = "alphabetic";
    if (!taken) { named.push(at); context.fillText(line.levelNames?.[i] ?? "", area.right - 4, at - 4); }
  });
}

function flag(context, { area, px }, mark, colors) {
  const at = Math.round(px(mark.x)) + 0.5;
  const color = { critical: colors.bad, warning: colors.watch }[mark.severity] ?? colors.accent;
  stroke(context, [[at, area.top], [at, area.bottom]], color, 1.2, mark.severity === "info" ? 0.5 : 0.85, [4, 3]);
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(at, area.top); context.lineTo(at + 8, area.top + 4); context.lineTo(at, area.top + 8);
  context.closePath(); context.fill();
}
