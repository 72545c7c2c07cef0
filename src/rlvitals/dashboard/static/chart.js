// A line chart on a canvas: live, zoomed by dragging, with what is not finite in sight.

import { h, put, download } from "./dom.js";
import { atClock, number, percent } from "./format.js";
import { draw } from "./drawing.js";
import { SvgContext } from "./svg_context.js";
import { heights, nearest, scaler } from "./scale.js";

const PAD = { left: 54, right: 12, top: 10, bottom: 24 };
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) { const chart = entry.target.chart; if (chart) { chart.inView = entry.isIntersecting; if (chart.inView && chart.stale) chart.paint(); } }
}, { rootMargin: "200px" });

export class Chart {
  /** @param options {name, heading, info, tall, unit, floor, healthy, csv, onzoom, oncursor, log, onlog} */
  constructor(options) {
    Object.assign(this, { lines: [], marks: [], clock: "episode", range: null, outliers: "auto", inView: true, stale: false, known: false, cursor: null, drag: null, note: "" }, { options });
    this.log = options.log ?? false;
    this.canvas = h("canvas", { tabindex: 0, role: "img", "aria-label": options.name });
    this.tooltip = h("div", { class: "tooltip", hidden: true });
    this.live = h("span", { class: "hidden", "aria-live": "polite" });
    this.badge = h("div", { class: "badges" });
    this.value = h("span", { class: "chart-value" });
    const logButton = h("button", { type: "button", class: "tool", "aria-pressed": String(this.log), title: "Logarithmic scale", onclick: () => {
      this.log = !this.log; logButton.setAttribute("aria-pressed", String(this.log)); options.onlog?.(this.log); this.paint();
    } }, "log");
    this.element = h("figure", { class: options.tall ? "chart tall" : "chart", "data-chart": options.name },
      h("figcaption", {}, h("span", { class: "chart-title" }, options.heading ?? options.name), options.info ?? null, this.value, h("span", { class: "grow" }),
        h("span", { class: "tools" }, logButton,
          h("button", { type: "button", class: "tool", title: "Save as PNG", onclick: () => this.savePng() }, "PNG"),
          h("button", { type: "button", class: "tool", title: "Save as SVG", onclick: () => this.saveSvg() }, "SVG"),
          options.csv ? h("button", { type: "button", class: "tool", title: "Save the data as CSV", onclick: () => { location.assign(options.csv()); } }, "CSV") : null)),
      h("div", { class: "plot" }, this.canvas, this.badge, this.tooltip), this.live);
    this.element.chart = this;
    seen.observe(this.element);
    this.size = new ResizeObserver(() => this.paint());
    this.size.observe(this.canvas.parentElement);
    this.retheme = () => this.paint();
    addEventListener("themechange", this.retheme);
    this.#listen();
  }

  /** @param lines [{name, color, raw: {x, y}, smooth: {x, y, window, values}|null, band, extent, smoothOnly, levels}]
   *  @param options `known`: whether they are what there is; else there was no answer.
   */
  set(lines, { clock, range = null, marks = [], outliers = "auto", live = false, known = true }) {
    Object.assign(this, { lines, clock, range, marks, outliers, followsLive: live, known });
    this.added = 0;
    if (!this.inView) put(this.badge); // they were of what was there before
    this.paint();
  }

  /** Put new values behind those of a line, and carry its average on. */
  append(index, xs, ys) {
    const line = this.lines[index];
    if (!line || (this.range && this.range[1] !== null)) return 0;
    for (let i = 0; i < xs.length; i++) {
      if (ys[i] === null || xs[i] === null) continue;
      line.raw.x.push(xs[i]); line.raw.y.push(ys[i]);
      this.added = (this.added ?? 0) + 1;
      const smooth = line.smooth;
      if (smooth?.y.length && Number.isFinite(ys[i])) {
        const s = 1 - 2 / (smooth.window + 1), seenOnes = smooth.values, before = 1 - s ** seenOnes, after = 1 - s ** (seenOnes + 1);
        const last = smooth.y[smooth.y.length - 1];
        smooth.y.push(((Number.isFinite(last) ? last * before * s : 0) + (1 - s) * ys[i]) / after);
        smooth.x.push(xs[i]); smooth.values += 1;
      }
      if (line.extent) { line.extent.values += 1; if (Number.isNaN(ys[i])) line.extent.nan += 1; else if (!Number.isFinite(ys[i])) line.extent.infinite += 1; line.extent.last = ys[i]; }
    }
    this.paint();
    return this.added;
  }

  paint() {
    if (!this.inView) { this.stale = true; return; }
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.stale = false; this.#paint(); });
  }

  #paint() {
    const box = this.canvas.parentElement, width = box.clientWidth, height = box.clientHeight, dense = devicePixelRatio || 1;
    if (!width || !height) return;
    this.canvas.width = Math.round(width * dense); this.canvas.height = Math.round(height * dense);
    const context = this.canvas.getContext("2d");
    context.scale(dense, dense);
    this.view = this.#view(width, height);
    draw(context, this.view, this);
    this.#words();
  }

  #view(width, height) {
    const y = heights(this.lines, { log: this.log, outliers: this.outliers, unit: this.options.unit, floor: this.options.floor });
    let [low, high] = [Infinity, -Infinity];
    for (const line of this.lines) for (const part of [line.raw, line.smooth]) if (part?.x.length) { low = Math.min(low, part.x[0]); high = Math.max(high, part.x[part.x.length - 1]); }
    if (this.range) { low = this.range[0] ?? low; high = this.range[1] ?? high; }
    if (!(low <= high)) [low, high] = [0, 1];
    if (low === high) { low -= 0.5; high += 0.5; }
    const area = { left: PAD.left, right: width - PAD.right, top: PAD.top, bottom: height - PAD.bottom };
    return { width, height, area, y, x: { low, high }, px: scaler(low, high, area.left, area.right), py: scaler(y.low, y.high, area.bottom, area.top, this.log) };
  }

  #words() {
    const [first] = this.lines, extent = first?.extent, parts = [];
    const nan = this.lines.reduce((sum, line) => sum + (line.extent?.nan ?? 0), 0), infinite = this.lines.reduce((sum, line) => sum + (line.extent?.infinite ?? 0), 0);
    if (nan) parts.push(h("span", { class: "badge bad" }, `${number(nan)} NaN`));
    if (infinite) parts.push(h("span", { class: "badge bad" }, `${number(infinite)} infinite`));
    if (this.view.y.clipped) parts.push(h("span", { class: "badge" }, "outliers beyond the edge"));
    if (this.view.y.cut) parts.push(h("span", { class: "badge" }, "intervals reach beyond the edge"));
    if (this.view.y.missed) parts.push(h("span", { class: "badge" }, "the target is beyond the edge"));
    if (this.note) parts.push(h("span", { class: "badge" }, this.note));
    if (this.known && !this.lines.some((line) => line.raw.y.length || line.smooth?.y.length)) parts.push(h("span", { class: "badge" }, "nothing in this range"));
    put(this.badge, parts);
    if (this.lines.length === 1 && extent) {
      const { last } = extent, smooth = first.smooth?.y?.at(-1), show = this.options.unit ? percent : number;
      const said = first.smoothOnly ? [] : [`last ${show(last)}`];
      if (smooth !== undefined && (first.smoothOnly || show(smooth) !== show(last))) said.push(`smoothed ${show(smooth)}`);
      put(this.value, said.map((one, i) => h("span", {}, i + 1 < said.length ? `${one}, ` : one)));
      this.value.title = first.smooth ? `Smoothed: exponential moving average over ${number(first.smooth.window)} values` : "";
      this.value.classList.toggle("bad", typeof last === "number" && !Number.isFinite(last));
      this.canvas.setAttribute("aria-label", `${this.options.name}: ${number(extent.values)} values, last ${number(last)}${extent.nan ? `, ${extent.nan} NaN` : ""}. Arrow keys move a cursor, plus and minus zoom, 0 shows all.`);
    }
    this.canvas.dataset.points = String(this.lines.reduce((sum, line) => sum + line.raw.x.length, 0));
    this.canvas.dataset.last = String(first?.raw.x.at(-1) ?? "");
    this.canvas.dataset.range = `${this.view.x.low},${this.view.x.high}`;
  }

  point(at) {
    this.cursor = at;
    if (at === null || !this.view) { this.tooltip.hidden = true; this.paint(); return; }
    const rows = [];
    for (const line of this.lines) {
      const i = nearest(line.raw.x, at), j = line.smooth ? nearest(line.smooth.x, at) : -1;
      if (i < 0 && j < 0) continue;
      rows.push(h("div", {}, h("i", { css: { background: line.color() } }), this.lines.length > 1 ? `${line.name} ` : "",
        i >= 0 && !line.smoothOnly ? h("b", { class: Number.isFinite(line.raw.y[i]) || line.raw.y[i] === null ? "" : "bad" }, line.percent ? percent(line.raw.y[i]) : number(line.raw.y[i])) : null,
        i >= 0 && line.told ? h("span", { class: "muted" }, ` ${line.told(i)}`) : null,
        j >= 0 ? h("span", { class: "muted" }, ` average ${number(line.smooth.y[j])}`) : null));
    }
    const near = this.marks.filter((mark) => mark.x !== null && Math.abs(this.view.px(mark.x) - this.view.px(at)) < 8);
    put(this.tooltip, h("div", { class: "muted" }, atClock(this.clock, at)), rows, near.map((mark) => h("div", { class: "tip-mark", "data-severity": mark.severity }, mark.text)));
    this.tooltip.hidden = false;
    const x = this.view.px(at), wide = this.tooltip.offsetWidth;
    this.tooltip.style.transform = `translate(${Math.round(x + 14 + wide > this.view.width ? Math.max(0, x - wide - 14) : x + 14)}px, 12px)`;
    this.paint();
  }

  #listen() {
    const where = (event) => { const box = this.canvas.getBoundingClientRect(); return event.clientX - box.left; };
    const inside = (x) => Math.max(this.view.area.left, Math.min(this.view.area.right, x));
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !this.view || !this.options.onzoom || event.pointerType === "touch") return;
      this.drag = { from: inside(where(event)), to: inside(where(event)) };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.view) return;
      const x = inside(where(event));
      if (this.drag) { this.drag.to = x; this.paint(); }
      this.options.oncursor ? this.options.oncursor(this.view.px.invert(x)) : this.point(this.view.px.invert(x));
    });
    this.canvas.addEventListener("pointerup", () => {
      const drag = this.drag;
      this.drag = null;
      if (drag && Math.abs(drag.to - drag.from) > 6) this.zoom(...[drag.from, drag.to].sort((a, b) => a - b).map((p) => this.view.px.invert(p)));
      else this.paint();
    });
    this.canvas.addEventListener("pointerleave", () => { if (!this.drag) this.options.oncursor ? this.options.oncursor(null) : this.point(null); });
    this.canvas.addEventListener("dblclick", () => this.options.onzoom?.(null));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("blur", () => this.point(null));
  }

  #key(event) {
    if (!this.view || event.ctrlKey || event.metaKey || event.altKey) return;
    const { low, high } = this.view.x, reach = high - low, at = this.cursor ?? (low + high) / 2;
    const moves = { ArrowLeft: -0.02, ArrowRight: 0.02, PageUp: -0.2, PageDown: 0.2 };
    if (event.key in moves) this.point(Math.max(low, Math.min(high, at + moves[event.key] * reach)));
    else if (event.key === "Home") this.point(low);
    else if (event.key === "End") this.point(high);
    else if (event.key === "+" || event.key === "=") this.zoom(at - reach / 4, at + reach / 4);
    else if (event.key === "-") this.zoom(at - reach, at + reach);
    else if (event.key === "0" || event.key === "Escape") this.options.onzoom?.(null);
    else return;
    event.preventDefault();
    put(this.live, this.tooltip.hidden ? "" : this.tooltip.textContent);
  }

  zoom(low, high) { this.options.onzoom?.([low, high]); }

  saveSvg() {
    const width = 960, height = 420, context = new SvgContext(width, height, getComputedStyle(this.element).getPropertyValue("--card"));
    draw(context, this.#view(width, height), { ...this, lines: this.lines, cursor: null, drag: null, element: this.element, options: this.options });
    download(`${this.options.name}.svg`, new Blob([context.text()], { type: "image/svg+xml" }));
  }

  savePng() {
    const canvas = h("canvas", {}), width = 960, height = 420;
    canvas.width = 2 * width; canvas.height = 2 * height;
    const context = canvas.getContext("2d");
    context.scale(2, 2);
    context.fillStyle = getComputedStyle(this.element).getPropertyValue("--card");
    context.fillRect(0, 0, width, height);
    draw(context, this.#view(width, height), { ...this, lines: this.lines, cursor: null, drag: null, element: this.element, options: this.options });
    canvas.toBlob((blob) => blob && download(`${this.options.name}.png`, blob));
  }

  destroy() { seen.unobserve(this.element); this.size.disconnect(); removeEventListener("themechange", this.retheme); }
}

