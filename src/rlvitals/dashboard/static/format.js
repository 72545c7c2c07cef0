// Formatting of numbers, times and shares, by the rules of `rlvitals.formatting`. Both are tested with the same cases.

export const ABSENT = "-";
const SPELLED = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** Convert a number of the API, which spells non-finite numbers as strings; null stays null. */
export const num = (value) => (typeof value === "string" ? SPELLED[value] ?? NaN : value);
export const nums = (values) => {
  for (let i = 0; i < values.length; i++) if (typeof values[i] === "string") values[i] = num(values[i]);
  return values;
};
export const isBad = (value) => { const v = num(value); return typeof v === "number" && !Number.isFinite(v); };

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const rounded = (value) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

/** Format a number with `digits` significant digits; large numbers without decimals. */
export function number(raw, digits = 4) {
  const value = num(raw);
  if (value == null) return ABSENT;
  if (!Number.isFinite(value)) return String(value);
  const short = Number(value.toPrecision(digits)), size = Math.abs(short);
  if (size >= 1000 && Math.abs(value) < 1e9) return whole.format(value);
  if (!size || (size >= 1e-4 && size < 1000)) return String(short);
  return value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace(/e([+-])(\d)$/, "e$10$2");
}
export const count = (value) => (value == null ? ABSENT : whole.format(value));

/** Format a share (0 to 1) in per cent, without decimals or with `digits` significant digits. */
export function percent(share, digits = null) {
  if (share == null) return ABSENT;
  const value = 100 * num(share);
  return Number.isFinite(value) ? `${digits ? number(value, digits) : number(rounded(value))} %` : number(value);
}

/** Format a value by the format of its metric. */
export function formatValue(metric, raw, digits = 4) {
  if (metric.format === "percent") return percent(raw);
  if (metric.format === "time") return moment(num(raw));
  return metric.format === "count" && Number.isInteger(num(raw)) ? count(raw) : number(raw, digits);
}

/** Format the label of a tick. */
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return number(value, 2);
  const [by, name] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return String(Number((value / by).toPrecision(4))) + name;
}

/** Format a duration with its two largest units; a second unit of zero is omitted. */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return number(seconds);
  const all = Math.max(0, rounded(seconds));
  for (const [unit, name, part, partName] of [[31536000, "y", 86400, "d"], [86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]]) {
    if (all < unit) continue;
    const rest = Math.floor((all % unit) / part);
    return `${Math.floor(all / unit)}${name}${rest ? ` ${rest}${partName}` : ""}`;
  }
  return `${all}s`;
}
export const ago = (seconds) => (seconds == null ? ABSENT : seconds < 1 ? "now" : `${span(seconds)} ago`);

/** Format a time (seconds since 1970) in the local time zone. */
export function moment(time) {
  const at = new Date(time * 1000), year = at.getFullYear(), east = -at.getTimezoneOffset(), size = Math.floor(Math.abs(east));
  if (time == null) return ABSENT;
  if (!(year >= 1 && year <= 9999)) return `${number(time)} s`;
  const local = new Date(at.getTime() + 60_000 * east).toISOString().slice(0, 19).replace("T", " ");
  return `${local} ${east < 0 ? "-" : "+"}${String(100 * Math.floor(size / 60) + (size % 60)).padStart(4, "0")}`;
}
export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${(size / 1000).toPrecision(3)} kB` : `${(size / 1e6).toPrecision(3)} MB`);

/** Format the interval of an estimate; empty if it has no interval. */
export const interval = ({ low, high }, show = number) => (low == null || high == null ? "" : `${show(low)} to ${show(high)}`);

export const CLOCKS = { episode: "episode", env_step: "environment step", update: "update", time: "time", row: "row" };
export function atClock(clock, value) {
  if (clock === "value") return `above ${number(value)}`;
  return clock === "time" ? span(value) : `${CLOCKS[clock] ?? clock} ${count(Math.round(value))}`;
}
