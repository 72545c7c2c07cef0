// Numbers, times and names as a person reads them.

export const ABSENT = "–";
const SPELLED = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** A number of the API: what is not finite is spelled there; null stays null. */
export const num = (value) => (typeof value === "string" ? SPELLED[value] ?? NaN : value);
export const nums = (values) => {
  for (let i = 0; i < values.length; i++) if (typeof values[i] === "string") values[i] = num(values[i]);
  return values;
};
export const isBad = (value) => { const v = num(value); return typeof v === "number" && !Number.isFinite(v); };

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
export function number(raw, digits = 4) {
  const value = num(raw);
  if (value === null || value === undefined) return ABSENT;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size >= 1e9 || (size < 1e-4 && size > 0)) return value.toExponential(2).replace("-", "−").replace("e+", "e");
  if (size >= 1000) return whole.format(value).replace("-", "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}
export const count = (value) => (value === null || value === undefined ? ABSENT : whole.format(value));
export const percent = (share, digits = 0) =>
  share === null || share === undefined ? ABSENT : isBad(share) ? number(share) : `${(100 * share).toFixed(digits)} %`;

export function short(value) {
  const size = Math.abs(value);
  const cut = (v) => String(Number(v.toPrecision(4)));
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(1).replace("-", "−").replace("e+", "e");
  const [by, name] = size >= 1e9 ? [1e9, "G"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
  return (cut(value / by) + name).replace("-", "−");
}

export function span(seconds) {
  if (seconds === null || seconds === undefined) return ABSENT;
  const all = Math.max(0, Math.round(seconds));
  if (all < 60) return `${all} s`;
  for (const [unit, name, part, partName] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (all >= unit) {
      const rest = Math.floor((all % unit) / part);
      return rest ? `${Math.floor(all / unit)} ${name} ${rest} ${partName}` : `${Math.floor(all / unit)} ${name}`;
    }
  }
  return ABSENT;
}
export const ago = (seconds) => (seconds === null || seconds === undefined ? ABSENT : seconds < 1.5 ? "now" : `${span(seconds)} ago`);
export const moment = (time) => (time === null || time === undefined ? ABSENT : new Date(time * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }));
export const bytes = (size) => (size < 1000 ? `${size} B` : size < 1e6 ? `${(size / 1000).toPrecision(3)} kB` : `${(size / 1e6).toPrecision(3)} MB`);

export const CLOCKS = { episode: "episode", env_step: "environment step", update: "update", time: "time", row: "row" };
export const atClock = (clock, value) => (clock === "time" ? span(value) : clock === "value" ? `above ${number(value)}` : `${CLOCKS[clock] ?? clock} ${count(Math.round(value))}`);

/** What a field is called wherever it stands; units are of a stream's own fields alone. */
const NAMES = {
  __proto__: null, // so that a metric may be called `constructor`
  kl_divergence: "KL divergence", quality_final: "Quality", quality_improvement: "Quality gained", quality_initial: "Quality before", max_steps: "max_steps",
};
const NAMES_OF = {
  __proto__: null,
  episodes: { __proto__: null, length: "Episode length", success: "Success rate", duration: "Seconds per episode", memory: "Memory (MiB)" },
  updates: { __proto__: null, duration: "Seconds per update" },
  evaluations: { __proto__: null, length: "Episode length", duration: "Seconds per evaluation" },
  system: { __proto__: null, cpu_percent: "CPU (%)", memory: "Memory (MiB)", memory_available: "Memory left (MiB)", gpu_memory: "GPU memory (MiB)", gpu_utilization: "GPU load (%)", env_steps_per_second: "Steps per second" },
};
/** What a field of a stream is called; without a stream it is somebody's own, whose unit nobody knows. */
export const title = (name, stream = null) => {
  const last = name.includes(".") ? name : NAMES_OF[stream]?.[name] ?? NAMES[name] ?? name.replaceAll("_", " ");
  return last.charAt(0).toUpperCase() + last.slice(1);
};
/** What a metric is called that is asked for by its name: `reward`, `updates.kl_divergence`. */
export const titleOf = (metric) => {
  const [stream] = metric.split(".");
  return stream in NAMES_OF ? title(metric.slice(stream.length + 1), stream) : title(metric, "episodes");
};
