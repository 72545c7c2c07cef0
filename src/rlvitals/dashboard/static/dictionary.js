// The metric dictionary of the server: title, unit and format of each metric.

import { ask } from "./api.js";
import { formatValue, interval } from "./format.js";

const METRICS = await ask("metrics").catch(() => ({}));
const own = (table, name) => (table && Object.hasOwn(table, name) ? table[name] : undefined);

/** Title of a custom metric: words for a plain field, the name itself for a dictionary entry. */
function titleOf(name) {
  if (name.includes(".")) return name;
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const isKnown = (stream, name) => own(own(METRICS, stream), name) !== undefined;

/** Metric of a stream; a custom metric gets its title from its name. */
export function metricOf(stream, name) {
  const title = titleOf(name), phrase = title.charAt(0).toLowerCase() + title.slice(1);
  const custom = { name, title, label: title, phrase, unit: "", format: "number", panel: "", low: null, high: null, axis: [null, null] };
  return own(own(METRICS, stream), name) ?? custom;
}

/** Metric for a name that a user types: `reward`, `updates.kl_divergence`, `extra.score`. */
export function metricNamed(name) {
  const [stream] = name.split(".");
  return own(METRICS, stream) && name.includes(".") ? metricOf(stream, name.slice(stream.length + 1)) : metricOf("episodes", name);
}

/** Label of a metric on a chart or in a table. */
export const title = (name, stream = "") => metricOf(stream, name).label;

/** Metrics of a stream that the named panels show, in order. */
export const panel = (stream, ...names) =>
  names.flatMap((name) => Object.values(METRICS[stream] ?? {}).filter((one) => one.panel === name));

const TEXTS = new Set(["category", "difficulty", "termination_reason", "policy"]);
/** Whether a field can be drawn as a curve; clocks and texts cannot. */
export const isCurve = (stream, name) => metricOf(stream, name).panel !== "clock" && !TEXTS.has(name);

/** Metric names to choose from; names of episode metrics have no prefix. */
export const choices = (streams) => streams.flatMap((stream) =>
  Object.keys(METRICS[stream] ?? {}).map((name) => (stream === "episodes" ? name : `${stream}.${name}`)));

/** Format a value of an episode metric. */
export const episodeValue = (name, value, digits) => formatValue(metricOf("episodes", name), value, digits);

/** Format the interval of an episode level; empty if its ends are equal. */
export const levelInterval = (name, level, digits) =>
  (level.low === level.high ? "" : interval(level, (value) => episodeValue(name, value, digits)));
