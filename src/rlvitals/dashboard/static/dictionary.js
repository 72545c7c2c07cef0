// The metric dictionary: what the server calls each number, and how it is shown.

import { ask } from "./api.js";
import { formatValue, interval } from "./format.js";

const METRICS = await ask("metrics").catch(() => ({}));
const own = (table, name) => (table && Object.hasOwn(table, name) ? table[name] : undefined);

/** A custom name as a title: words for a plain field, the name itself for an entry of a dictionary. */
function titleOf(name) {
  if (name.includes(".")) return name;
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const isKnown = (stream, name) => own(own(METRICS, stream), name) !== undefined;

/** A metric of a stream; a custom one is described by its name. */
export function metricOf(stream, name) {
  const title = titleOf(name), phrase = title.charAt(0).toLowerCase() + title.slice(1);
  const custom = { name, title, label: title, phrase, unit: "", format: "number", panel: "", low: null, high: null, axis: [null, null] };
  return own(own(METRICS, stream), name) ?? custom;
}

/** A metric by the name that a user types: `reward`, `updates.kl_divergence`, `extra.score`. */
export function metricNamed(name) {
  const [stream] = name.split(".");
  return own(METRICS, stream) && name.includes(".") ? metricOf(stream, name.slice(stream.length + 1)) : metricOf("episodes", name);
}

/** What a metric is called on a chart or in a table. */
export const title = (name, stream = "") => metricOf(stream, name).label;

/** The metrics of a stream that panels show, in their order. */
export const panel = (stream, ...names) =>
  names.flatMap((name) => Object.values(METRICS[stream] ?? {}).filter((one) => one.panel === name));

const TEXTS = new Set(["category", "difficulty", "termination_reason", "policy"]);
/** Whether a field can be a curve: clocks and texts cannot. */
export const isCurve = (stream, name) => metricOf(stream, name).panel !== "clock" && !TEXTS.has(name);

/** Names to choose from: those of episodes stand alone. */
export const choices = (streams) => streams.flatMap((stream) =>
  Object.keys(METRICS[stream] ?? {}).map((name) => (stream === "episodes" ? name : `${stream}.${name}`)));

/** A value of episodes, by its metric. */
export const episodeValue = (name, value, digits) => formatValue(metricOf("episodes", name), value, digits);

/** The interval of a level of episodes, where it is wider than a point. */
export const levelInterval = (name, level, digits) =>
  (level.low === level.high ? "" : interval(level, (value) => episodeValue(name, value, digits)));
