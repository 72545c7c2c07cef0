// The scales of charts: what of the values is shown, where on the page, and the round values along an axis.

/** How much wider a chart becomes for bands, on either side. */
const ROOM = 0.6;

export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** The smallest and the largest finite value; of none the ends are infinite, and the wrong way round. */
export function ends(values, log = false) {
  let low = Infinity, high = -Infinity;
  for (const v of values) if (Number.isFinite(v) && (!log || v > 0)) { low = Math.min(low, v); high = Math.max(high, v); }
  return [low, high];
}

/** The visible range of y.
 *  @param lines what is drawn: {raw: {y}, smooth: {y}, extent}; with `bandCounts` there is room for bands and levels
 *  @param outliers "auto", "show" or "clip"
 */
export function heights(lines, { log, outliers, unit, floor }) {
  // Ends of ends: the values themselves are not copied, as this runs with each paint.
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

/** A range with a margin, which does not cross the least possible value. */
function padded(low, high, log, floor) {
  const factor = low === high ? 2 : (high / low) ** 0.05;
  if (log) return [low / factor, high * factor];
  const pad = low === high ? Math.abs(low) * 0.05 || 0.5 : (high / 2 - low / 2) * 0.1;
  return [low < high && low - pad < floor && floor <= low + 1e-12 ? floor : low - pad, high + pad];
}

/** A range that has room for bands and levels, but not so much that the lines lie flat in it. */
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
  // Halved first, so that a range wider than the largest number does no harm.
  const reach = high / 2 - low / 2 || 1;
  const at = (v) => from + ((v / 2 - low / 2) / reach) * (to - from);
  at.invert = (p) => low + 2 * reach * ((p - from) / (to - from));
  return at;
}

/** The place of the value that is nearest, in an array that rises. */
export function nearest(xs, x) {
  let low = 0, high = xs.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < x) low = mid; else high = mid; }
  return Math.abs(xs[low] - x) <= Math.abs(xs[high] - x) ? low : high;
}

const LENGTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
const MOST_TICKS = 40;

/** About `wanted` round values between two ends; of a `time` in seconds, round lengths of time. */
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

/** Powers of ten, with steps between where they are few. */
export function logTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high)), found = [];
  const every = Math.max(1, Math.ceil((last - first) / 7)), within = last - first <= 2 ? [1, 2, 5] : [1];
  for (let power = first; power <= last; power += every) found.push(...within.map((m) => m * 10 ** power));
  return found.filter((at) => at >= low * 0.999 && at <= high * 1.001);
}
