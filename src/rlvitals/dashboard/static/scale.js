// Scales of charts: visible ranges, positions, and ticks.

/** Maximum extension of the range for bands on either side, as a share of the range. */
const ROOM = 0.6;

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Return the smallest and largest finite values, or [Infinity, -Infinity] if there are none. */
export function ends(values, log = false) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (Number.isFinite(v) && (!log || v > 0)) { low = Math.min(low, v); high = Math.max(high, v); }
  return [low, high];
}

/** Return the visible vertical range.
 *  @param lines lines to draw: {raw: {y}, smooth: {y}, extent}; with `bandCounts` the range has room for bands and levels
 *  @param outliers "auto", "show" or "clip"
 */
export function heights(lines, { log, outliers, unit, floor }) {
  // Combine the ends of each line instead of copying all values, because this runs on each paint.
  const calm = lines.flatMap((line) => [...ends(line.smooth?.y ?? [], log), ...(line.bandCounts ? [] : line.levels ?? [])]);
  let [low, high] = ends([...calm, ...lines.flatMap((line) => (line.smoothOnly ? [] : ends(line.raw.y, log)))], log);
  const [calmLow, calmHigh] = ends([...calm, ...lines.flatMap(({ extent }) => [extent?.low, extent?.high])], log);
  const far = high - low > 6 * (calmHigh - calmLow) && calmHigh > calmLow;
  const clipped = outliers === "clip" || (outliers === "auto" && far);
  if (clipped && calmHigh > calmLow) [low, high] = [calmLow, calmHigh];
  const roomy = lines.filter((line) => line.bandCounts), aims = roomy.flatMap((line) => line.levels ?? []);
  const bands = roomy.flatMap(({ band }) => (band ? band.x.map((_, i) => [band.low[i], band.high[i]]) : []))
    .filter((band) => !band.includes(null));
  if (low <= high) [low, high] = widened(low, high, [...bands, ...aims.map((aim) => [aim, aim])], log);
  if (!(low <= high)) [low, high] = log ? [0.1, 1] : [0, 1];
  [low, high] = unit && !log ? [0, 1] : padded(low, high, log, floor);
  const cut = bands.some((band) => band[0] < low || band[1] > high);
  return { low, high, clipped: clipped && far, cut, missed: aims.some((aim) => aim < low || aim > high) };
}

/** Add a margin to a range, without crossing the lowest possible value. */
function padded(low, high, log, floor) {
  const factor = low === high ? 2 : (high / low) ** 0.05;
  if (log) return [low / factor, high * factor];
  const pad = low === high ? Math.abs(low) * 0.05 || 0.5 : (high / 2 - low / 2) * 0.1;
  return [low < high && low - pad < floor && floor <= low + 1e-12 ? floor : low - pad, high + pad];
}

/** Widen a range for bands and levels, up to a limit that keeps the lines readable. */
function widened(low, high, bands, log) {
  const room = log ? (high / low) ** ROOM : ROOM * (high - low);
  const [least, most] = high === low ? [-Infinity, Infinity] : log ? [low / room, high * room] : [low - room, high + room];
  const [bottom, top] = ends(bands.flat().map((end) => clamp(log && end <= 0 ? low : end, least, most)));
  return [Math.min(low, bottom), Math.max(high, top)];
}

export function scaler(low, high, from, to, log) {
  if (log) {
    const a = Math.log(low), b = Math.log(high) - a;
    const at = (v) => (v > 0 ? from + ((Math.log(v) - a) / b) * (to - from) : NaN);
    at.invert = (p) => Math.exp(a + ((p - from) / (to - from)) * b);
    return at;
  }
  // Halve the ends first, to avoid overflow for very wide ranges.
  const reach = high / 2 - low / 2 || 1;
  const at = (v) => from + ((v / 2 - low / 2) / reach) * (to - from);
  at.invert = (p) => low + 2 * reach * ((p - from) / (to - from));
  return at;
}

/** Return the index of the nearest value in an ascending array. */
export function nearest(xs, x) {
  let low = 0, high = xs.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < x) low = mid; else high = mid; }
  return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
}

const LENGTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const MOST_TICKS = 40;

/** Return about `wanted` round values between two ends, or round durations if `time` is set (seconds). */
export function ticks(low, high, wanted, { time = false } = {}) {
  const rough = (high - low) / wanted, size = 10 ** Math.floor(Math.log10(rough));
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const lengths = time && rough >= 1 && rough <= LENGTHS.at(-1) ? LENGTHS : [1, 2, 2.5, 5, 10].map((m) => m * size);
  const step = lengths.find((one) => one >= rough) ?? rough, found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9 && found.length < MOST_TICKS; at += step) {
    found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  }
  return found;
}

/** Return powers of ten, with intermediate steps for small ranges. */
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), found = [];
  const every = Math.max(1, Math.ceil((last - first) / 7)), within = last - first <= 2 ? [1, 2, 5] : [1];
  for (let power = first; power <= last; power += every) found.push(...within.map((m) => m * 10 ** power));
  return found.filter((at) => at >= low * 0.999 && at <= high * 1.001);
}
