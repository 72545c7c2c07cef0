// Numbers, times and shares as a person reads them, by the rules of `rlvitals.formatting`: one table of cases tests both.

export const ABSENT = "-";
const SPELLED = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** A number of the API: what is not finite is spelled there; null stays null. */
export const num = (value) => (typeof value === "string" ? SPELLED[value] ?? NaN : value);
export const nums = (values) => {
  for (let i = 0; i < values.length; i++) if (typeof values[i] === "string") values[i] = num(values[i]);
  return values;
};
export const isBad = (value) => { const v = num(value); return typeof v === "number" && !Number.isFinite(v); };

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const rounded = (value) => Math.sign(value) * Math.floor(Math.abs(value) + 0.5);

/** A number to so many significant digits; large numbers whole. */
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

/** A share of one in per cent: whole, or to so many significant digits. */
export function percent(share, digits = null) {
  if (share == null) return ABSENT;
  const value = 100 * num(share);
  return Number.isFinite(value) ? `${digits ? number(value, digits) : number(rounded(value))} %` : number(value);
}

/** A value of a metric, by the metric's format. */
export function formatValue(metric, raw, digits = 4) {
  if (metric.format === "percent") return percent(raw);
  if (metric.format === "time") return moment(num(raw));
  return metric.format === "count" && Number.isInteger(num(raw)) ? count(raw) : number(raw, digits);
}

/** A number at a tick. */
export function short(value) {
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return number(value, 2);
  const [by, name] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return String(Number((value / by).toPrecision(4))) + name;
}

/** A length of time by its two largest units; a second unit of zero is left out. */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return number(seconds);
  const all = Math.max(0, rounded(seconds));
  for (const [unit, name, part, partName] of [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]]) {
    if (all < unit) continue;
    const rest = Math.floor((all % unit) / part);
    return `${Math.floor(all / unit)}${name}${rest ? ` ${rest}${partName}` : ""}`;
  }
  return `${all}s`;
}
export const ago = (seconds) => (seconds == null ? ABSENT : seconds < 1 ? "now" : `${span(seconds)} ago`);

/** A moment in the time zone of this machine. */
export function moment(time) {
  const at = new Date(time * 1000), year = at.getFullYear(), east = -at.getTimezoneOffset(), size = Math.floor(Math.abs(east));
  if (time == null) return ABSENT;
  if (!(year >= 1 && year <= 9999)) return `${number(time)} s`;
  const local = new Date(at.getTime() + 60_000 * east).toISOString().slice(0, 19).replace("T", " ");
  return `${local} ${east < 0 ? "-" : "+"}${String(100 * Math.floor(size / 60) + (size % 60)).padStart(4, "0")}`;
}
export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${(size / 1000).toPrecision(3)} kB` : `${(size / 1e6).toPrecision(3)} MB`);

/** The two ends of an estimate, where it has them. */
export const interval = ({ low, high }, show = number) => (low == null || high == null ? "" : `${show(low)} to ${show(high)}`);

export const CLOCKS = { episode: "episode", env_step: "environment step", update: "update", time: "time", row: "row" };
export function atClock(clock, value) {
  if (clock === "value") return `above ${number(value)}`;
  return clock === "time" ? span(value) : `${CLOCKS[clock] ?? clock} ${count(Math.round(value))}`;
}
