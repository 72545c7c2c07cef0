// Drawing context that writes SVG text, used in place of a canvas context to save a chart as SVG.

import { clean } from "./dom.js";

const escaped = (text) => clean(String(text)).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** The subset of a canvas context that charts use, with SVG output. */
export class SvgContext {
  constructor(width, height) {
    Object.assign(this, { width, height, parts: [], path: "", clips: 0, open: [], strokeStyle: "#000", fillStyle: "#000", lineWidth: 1,
      globalAlpha: 1, textAlign: "left", textBaseline: "alphabetic", dash: [] });
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
  part(tag, attributes, text) {
    const written = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`).join(" ");
    this.parts.push(text === undefined ? `<${tag} ${written}/>` : `<${tag} ${written}>${escaped(text)}</${tag}>`);
  }
  get filled() { return { fill: this.fillStyle, "fill-opacity": this.globalAlpha }; }
  stroke() {
    const dash = this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {};
    this.part("path", { d: this.path, fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth,
      "stroke-opacity": this.globalAlpha, "stroke-linejoin": "round", ...dash });
  }
  fill() { this.part("path", { d: this.path, ...this.filled }); }
  fillRect(x, y, width, height) { this.part("rect", { x, y, width, height, ...this.filled }); }
  fillText(text, x, y) {
    const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign] ?? "start";
    const at = y + ({ middle: 4, top: 10 }[this.textBaseline] ?? 0);
    this.part("text", { x, y: at, "font-family": "sans-serif", "font-size": 11, "text-anchor": anchor, fill: this.fillStyle }, text);
  }
  measureText(text) { return { width: 6.2 * text.length }; }
  text() {
    const size = `width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>${this.parts.join("")}</svg>`;
  }
}
