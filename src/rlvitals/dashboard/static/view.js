// What part of the data charts show, and how: kept in the address, chosen by controls.

import { h, refill } from "./dom.js";
import { button, select } from "./widgets.js";

export const AXES = [["episode", "by episode"], ["env_step", "by environment step"], ["update", "by update"], ["time", "by time"]];
const SMOOTHING = [["-1", "smoothing: auto"], ["0", "no smoothing"], ["10", "over 10"], ["100", "over 100"], ["1000", "over 1,000"]];
const OUTLIERS = [["auto", "outliers: auto"], ["show", "show outliers"], ["clip", "hide outliers"]];

/** The view that an address gives; `start` is its clock where it names none. */
export function viewOf(params, start) {
  const end = (name) => (params.has(name) && Number.isFinite(Number(params.get(name))) ? Number(params.get(name)) : null);
  const range = [end("from"), end("to")];
  return {
    start, clock: params.get("x") ?? start, smoothing: Number(params.get("smooth") ?? -1), outliers: params.get("outliers") ?? "auto",
    category: params.get("type") ?? "", log: new Set(params.getAll("log")), range: range.some((one) => one !== null) ? range : null,
  };
}

const digits = (value) => String(Number(value.toPrecision(9)));

/** What a range changes in the address; null shows all. */
export const zoomed = (range) => ({ from: range && digits(range[0]), to: range && digits(range[1]) });

/** The controls that charts share; `change` is told what they change in the address. */
export function viewControls(box, view, change, { lines = true, outliers = lines, categories = [], note = null } = {}) {
  const set = (name, usual) => (value) => change({ [name]: value === usual ? null : value });
  refill(box,
    select("Horizontal axis", AXES, view.clock, (x) => change({ x: x === view.start ? null : x, ...zoomed(null) })),
    lines && select("Smoothing", SMOOTHING, String(view.smoothing), set("smooth", "-1")),
    outliers && select("Outliers", OUTLIERS, view.outliers, set("outliers", "auto")),
    categories.length > 1 && select("Type", [["", "all types"], ...categories.map((name) => [name, name])], view.category, set("type", "")),
    view.range ? button("Show all  (0)", () => change(zoomed(null))) : h("span", { class: "muted small hint" }, "drag in a chart to zoom"),
    note);
}
