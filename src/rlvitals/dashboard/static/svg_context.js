// What a chart draws with: the canvas on the page, or SVG text for a file. The chart itself does not know which.

import { clean } from "./dom.js";

const escaped = (text) => clean(String(text)).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** The part of a canvas's context that charts use, written down as SVG. */
export class SvgContext {
  constructor(width, height, background) {
    this.width = width; this.height = height; this.parts = [`<rect width="${width}" height="${height}" fill="${background}"/>`];
    this.path = ""; this.clips = 0; this.open = [];
    this.strokeStyle = this.fillStyle = "#000"; this.lineWidth = 1; this.globalAlpha = 1; this.font = "11px sans-serif";
    this.textAlign = "left"; this.textBaseline = "alphabetic"; this.dash = []; this.lineJoin = "round";
  }
  save() { this.open.push(0); }
  restore() { const groups = this.open.pop() ?? 0; this.parts.push("</g>".repeat(groups)); }
  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${x.toFixed(1)} ${y.toFixed(1)}`; }
  lineTo(x, y) { this.path += `L${x.toFixed(1)} ${y.toFixed(1)}`; }
  closePath() { this.path += "Z"; }
  rect(x, y, w, h) { this.path += `M${x} ${y}h${w}v${h}h${-w}Z`; }
  setLineDash(dash) { this.dash = dash; }
  clip() {
    const id = `c${++this.clips}`;
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath><g clip-path="url(#${id})">`);
    this.open[this.open.length - 1] += 1;
  }
  stroke() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "";
    this.parts.push(`<path d="${this.path}" fill="none" stroke="${this.strokeStyle}" stroke-width="${this.lineWidth}" stroke-opacity="${this.globalAlpha}" stroke-linejoin="round"${dash}/>`);
  }
  fill() { this.parts.push(`<path d="${this.path}" fill="${this.fillStyle}" fill-opacity="${this.globalAlpha}"/>`); }
  fillRect(x, y, w, h) { this.parts.push(`<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="${this.fillStyle}" fill-opacity="${this.globalAlpha}"/>`); }
  fillText(text, x, y) {
    const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign] ?? "start";
    const shift = this.textBaseline === "middle" ? 4 : this.textBaseline === "top" ? 10 : 0;
    this.parts.push(`<text x="${x}" y="${y + shift}" font-family="sans-serif" font-size="11" text-anchor="${anchor}" fill="${this.fillStyle}">${escaped(text)}</text>`);
  }
  measureText(text) { return { width: 6.2 * text.length }; }
  text() {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}">${this.parts.join("")}</svg>`;
  }
}

/** About `wanted` round values between two ends. */
export function ticks(low, high, wanted) {
  const reach = high - low;
  if (!(reach > 0) || !Number.isFinite(reach)) return [low];
  const rough = reach / wanted, size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * size).find((s) => s >= rough) ?? rough;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9 && found.length < 40; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

/** Round lengths of time in seconds. */
export function timeTicks(low, high, wanted) {
  const rough = (high - low) / wanted;
  const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400].find((s) => s >= rough);
  if (!step || rough < 1) return ticks(low, high, wanted);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

/** Powers of ten, with steps between where they are few. */
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), found = [];
  const every = Math.max(1, Math.ceil((last - first) / 7));
  for (let power = first; power <= last; power += every) for (const m of last - first <= 2 ? [1, 2, 5] : [1]) found.push(m * 10 ** power);
  return found.filter((at) => at >= low * 0.999 && at <= high * 1.001);
}
