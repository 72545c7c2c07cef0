// A live line chart on a canvas, with zoom by dragging and marks for non-finite values.

import { contextOf, download, h, put } from "./dom.js";
import { atClock, number, percent } from "./format.js";
import { draw } from "./drawing.js";
import { SvgContext } from "./svg_context.js";
import { clamp, ends, heights, nearest, scaler } from "./scale.js";

const PAD = { left: 54, right: 12, top: 10, bottom: 24 };
/** Size of a saved chart, in pixels, and pixel density. */
const WIDTH = 960, HEIGHT = 420, DENSE = 2;

const visible = new IntersectionObserver((entries) => {
  for (const { target: { chart }, isIntersecting } of entries) {
    chart.inView = isIntersecting;
    if (isIntersecting && chart.stale) chart.paint();
  }
}, { rootMargin: "200px" });

const tool = (text, title, onclick, more) => h("button", { type: "button", class: "tool", title, onclick, ...more }, text);
const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

/** Count values and non-finite values, added to the counts in `before`. */
export function counted(values, before = { values: 0, nan: 0, infinite: 0, last: null }) {
  const nan = values.filter(Number.isNaN).length, finite = values.filter(Number.isFinite).length;
  return { ...before, values: before.values + values.length, nan: before.nan + nan,
    infinite: before.infinite + values.length - nan - finite, last: values.at(-1) ?? before.last };
}

export class Chart {
  /** @param options {name, heading, info, tall, unit, floor, healthy, csv, onzoom, oncursor, log, onlog} */
  constructor(options) {
    Object.assign(this, { options, lines: [], marks: [], clock: "episode", range: null, outliers: "auto", log: options.log ?? false,
      inView: true, stale: false, known: false, cursor: null, drag: null, note: "", added: 0 });
    this.canvas = h("canvas", { tabindex: 0, role: "img", "aria-label": options.name });
    this.tooltip = h("div", { class: "tooltip", hidden: true });
    this.live = h("span", { class: "hidden", "aria-live": "polite" });
    this.badges = h("div", { class: "badges" });
    this.value = h("span", { class: "chart-value" });
    const toggleLog = () => {
      this.log = !this.log;
      log.setAttribute("aria-pressed", String(this.log));
      options.onlog?.(this.log);
      this.paint();
    };
    const log = tool("log", "Logarithmic scale", toggleLog, { "aria-pressed": String(this.log) });
    this.element = h("figure", { class: options.tall ? "chart tall" : "chart", "data-chart": options.name },
      h("figcaption", {}, h("span", { class: "chart-title" }, options.heading ?? options.name), options.info, this.value,
        h("span", { class: "tools" }, log, ["PNG", "SVG"].map((kind) => tool(kind, `Save as ${kind}`, () => this.save(kind))),
          options.csv && tool("CSV", "Save the data as CSV", () => location.assign(options.csv())))),
      h("div", { class: "plot" }, this.canvas, this.badges, this.tooltip), this.live);
    this.element.chart = this;
    visible.observe(this.element);
    this.size = new ResizeObserver(() => this.paint());
    this.size.observe(this.canvas.parentElement);
    this.retheme = () => this.paint();
    addEventListener("themechange", this.retheme);
    this.#listen();
  }

  /** @param lines [{name, color, raw: {x, y}, smooth: {x, y, window, values}|null, band, extent, smoothOnly, levels}]
   *  @param options `known`: whether the lines are the answer of the server; false if the request failed.
   */
  set(lines, { clock, range = null, marks = [], outliers = "auto", known = true }) {
    Object.assign(this, { lines, clock, range, marks, outliers, known, added: 0 });
    if (!this.inView) put(this.badges); // remove the badges of the previous data
    this.paint();
  }

  /** Append values to a line and update its moving average. */
  append(index, xs, ys) {
    const line = this.lines[index];
    if (!line || (this.range && this.range[1] !== null)) return 0;
    const { raw, smooth } = line, kept = xs.map((x, i) => [x, ys[i]]).filter((pair) => !pair.includes(null));
    for (const [x, y] of kept) {
      raw.x.push(x); raw.y.push(y);
      if (!smooth?.y.length || !Number.isFinite(y)) continue;
      const share = 1 - 2 / (smooth.window + 1), weight = 1 - share ** smooth.values, last = smooth.y.at(-1);
      smooth.values += 1;
      smooth.x.push(x);
      smooth.y.push(((Number.isFinite(last) ? last * weight * share : 0) + (1 - share) * y) / (1 - share ** smooth.values));
    }
    if (line.extent) line.extent = counted(kept.map(([, y]) => y), line.extent);
    this.added += kept.length;
    this.paint();
    return this.added;
  }

  paint() {
    if (!this.inView) { this.stale = true; return; }
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.stale = false; this.#paint(); });
  }

  #paint() {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement;
    if (!width || !height) return;
    this.view = this.#view(width, height);
    draw(contextOf(this.canvas, width, height), this.view, this);
    this.#words();
  }

  #view(width, height) {
    const y = heights(this.lines, { ...this.options, log: this.log, outliers: this.outliers });
    let [low, high] = ends(this.lines.flatMap(({ raw, smooth }) => [raw.x[0], raw.x.at(-1), smooth?.x[0], smooth?.x.at(-1)]));
    if (this.range) { low = this.range[0] ?? low; high = this.range[1] ?? high; }
    if (!(low <= high)) [low, high] = [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const area = { left: PAD.left, right: width - PAD.right, top: PAD.top, bottom: height - PAD.bottom };
    const px = scaler(low, high, area.left, area.right), py = scaler(y.low, y.high, area.bottom, area.top, this.log);
    return { width, height, area, y, x: { low, high }, px, py };
  }

  /** Update the badges, the value next to the title, and the accessible label of the canvas. */
  #words() {
    const [first] = this.lines, { y, x } = this.view, sum = (name) => this.lines.reduce((all, { extent }) => all + (extent?.[name] ?? 0), 0);
    const bad = [[sum("nan"), "NaN"], [sum("infinite"), "infinite"]].filter(([many]) => many);
    const isEmpty = this.known && !this.lines.some((line) => line.raw.y.length || line.smooth?.y.length);
    const plain = [y.clipped && "outliers clipped", y.cut && "intervals clipped",
      y.missed && "target outside the range", this.note, isEmpty && "no data in this range"];
    put(this.badges, bad.map(([many, kind]) => badge(`${number(many)} ${kind}`, "bad")), plain.filter(Boolean).map((text) => badge(text)));
    const extent = this.lines.length === 1 && first.extent;
    put(this.value, extent && this.#values(first));
    if (extent) {
      const nan = extent.nan ? `, ${extent.nan} NaN` : "", keys = "Arrow keys move the cursor, plus and minus zoom, 0 shows all.";
      this.canvas.setAttribute("aria-label", `${this.options.name}: ${number(extent.values)} values, last ${number(extent.last)}${nan}. ${keys}`);
    }
    this.canvas.dataset.points = String(this.lines.reduce((all, line) => all + line.raw.x.length, 0));
    this.canvas.dataset.last = String(first?.raw.x.at(-1) ?? "");
    this.canvas.dataset.range = `${x.low},${x.high}`;
  }

  #values({ extent: { last }, smooth, smoothOnly }) {
    const show = this.options.unit ? percent : number, mean = smooth?.y.length ? show(smooth.y.at(-1)) : null;
    this.value.title = smooth ? `Smoothed: exponential moving average over ${number(smooth.window)} values` : "";
    this.value.classList.toggle("bad", typeof last === "number" && !Number.isFinite(last));
    const said = [smoothOnly ? null : `last ${show(last)}`, mean !== null && (smoothOnly || mean !== show(last)) ? `smoothed ${mean}` : null];
    return said.filter(Boolean).map((one, i, all) => h("span", {}, i + 1 < all.length ? `${one}, ` : one));
  }

  point(at) {
    this.cursor = at;
    this.tooltip.hidden = at === null || !this.view;
    if (!this.tooltip.hidden) this.#tell(at);
    this.paint();
  }

  #tell(at) {
    const show = this.options.unit ? percent : number;
    const row = ({ name, color, raw, smooth, smoothOnly, told }) => {
      const i = nearest(raw.x, at), j = smooth ? nearest(smooth.x, at) : -1, value = raw.y[i];
      if (i < 0 && j < 0) return null;
      const bad = typeof value === "number" && !Number.isFinite(value);
      return h("div", {}, h("i", { css: { background: color() } }), this.lines.length > 1 ? `${name} ` : "",
        i >= 0 && !smoothOnly ? h("b", { class: bad ? "bad" : "" }, show(value)) : null,
        h("span", { class: "muted" }, i >= 0 && told ? ` ${told(i)}` : "", j >= 0 ? ` smoothed ${show(smooth.y[j])}` : ""));
    };
    const x = this.view.px(at), near = this.marks.filter((mark) => mark.x != null && Math.abs(this.view.px(mark.x) - x) < 8);
    put(this.tooltip, h("div", { class: "muted" }, atClock(this.clock, at)), this.lines.map(row),
      near.map((mark) => h("div", { class: "tip-mark", "data-severity": mark.severity }, mark.text)));
    const wide = this.tooltip.offsetWidth, left = x + 14 + wide > this.view.width ? Math.max(0, x - wide - 14) : x + 14;
    this.tooltip.style.transform = `translate(${Math.round(left)}px, 12px)`;
  }

  #listen() {
    const place = (event) => clamp(event.clientX - this.canvas.getBoundingClientRect().left, this.view.area.left, this.view.area.right);
    const cursor = this.options.oncursor ?? ((at) => this.point(at));
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button || !this.view || !this.options.onzoom || event.pointerType === "touch") return;
      this.drag = { from: place(event), to: place(event) };
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!this.view) return;
      const x = place(event);
      if (this.drag) { this.drag.to = x; this.paint(); }
      cursor(this.view.px.invert(x));
    });
    this.canvas.addEventListener("pointerup", () => {
      const { from, to } = this.drag ?? { from: 0, to: 0 };
      this.drag = null;
      if (Math.abs(to - from) > 6) this.zoom(...[from, to].sort((a, b) => a - b).map(this.view.px.invert));
      else this.paint();
    });
    this.canvas.addEventListener("pointerleave", () => { if (!this.drag) cursor(null); });
    this.canvas.addEventListener("dblclick", () => this.options.onzoom?.(null));
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
    this.canvas.addEventListener("blur", () => this.point(null));
  }

  #key(event) {
    if (!this.view || event.ctrlKey || event.metaKey || event.altKey) return;
    const { low, high } = this.view.x, reach = high - low, at = this.cursor ?? (low + high) / 2;
    const moves = { ArrowLeft: -0.02, ArrowRight: 0.02, PageUp: -0.2, PageDown: 0.2 };
    if (event.key in moves) this.point(clamp(at + moves[event.key] * reach, low, high));
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

  save(kind) {
    const canvas = h("canvas", {}), context = kind === "SVG" ? new SvgContext(WIDTH, HEIGHT) : contextOf(canvas, WIDTH, HEIGHT, DENSE);
    const done = (blob) => download(`${this.options.name}.${kind.toLowerCase()}`, blob);
    context.fillStyle = getComputedStyle(this.element).getPropertyValue("--card");
    context.fillRect(0, 0, WIDTH, HEIGHT);
    draw(context, this.#view(WIDTH, HEIGHT), Object.assign(Object.create(this), { cursor: null, drag: null }));
    if (kind === "SVG") done(new Blob([context.text()], { type: "image/svg+xml" })); else canvas.toBlob(done);
  }

  destroy() { visible.unobserve(this.element); this.size.disconnect(); removeEventListener("themechange", this.retheme); }
}
