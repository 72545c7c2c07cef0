// The ranges of a chart: what of the values is shown, and where on the page.

/** How much wider a chart becomes for bands, on either side. */
const ROOM = 0.6;

/** The visible range of y.
 *  @param lines what is drawn: {raw: {y}, smooth: {y}, extent}; with `bandCounts` there is room for bands and levels
 *  @param outliers "auto", "show" or "clip"
 */
export function heights(lines, { log, outliers, unit, floor }) {
  let low = Infinity, high = -Infinity, quietLow = Infinity, quietHigh = -Infinity;
  const take = (v) => { if (Number.isFinite(v) && (!log || v > 0)) { if (v < low) low = v; if (v > high) high = v; } };
  const quiet = (v) => { if (Number.isFinite(v) && (!log || v > 0)) { if (v < quietLow) quietLow = v; if (v > quietHigh) quietHigh = v; } };
  for (const line of lines) {
    if (!line.smoothOnly) for (const v of line.raw.y) take(v);
    for (const v of line.smooth?.y ?? []) { take(v); quiet(v); }
    if (line.extent) { quiet(line.extent.low); quiet(line.extent.high); }
    if (!line.bandCounts) for (const v of line.levels ?? []) { take(v); quiet(v); }
  }
  const far = high - low > 6 * (quietHigh - quietLow) && quietHigh > quietLow;
  const clipped = outliers === "clip" || (outliers === "auto" && far);
  if (clipped && quietHigh > quietLow) { low = quietLow; high = quietHigh; }
  const bands = lines.filter((line) => line.bandCounts && line.band).map((line) => line.band);
  const aims = lines.filter((line) => line.bandCounts).flatMap((line) => line.levels ?? []);
  if (low <= high) [low, high] = widened(low, high, [...bands, { x: aims, low: aims, high: aims }], log);
  if (unit) { low = 0; high = 1; }
  if (!(low <= high)) [low, high] = log ? [0.1, 1] : [0, 1];
  if (low === high) { const pad = Math.abs(low) * 0.05 || 0.5; low = log ? low / 2 : low - pad; high = log ? high * 2 : high + pad; }
  else if (log) { const pad = (high / low) ** 0.05; low /= pad; high *= pad; }
  else if (!unit) { const pad = (high / 2 - low / 2) * 0.1; low -= pad; high += pad; if (floor !== undefined && low < floor && floor <= low + pad + 1e-12) low = floor; }
  const cut = bands.some((band) => band.x.some((_, i) => band.low[i] !== null && band.high[i] !== null && (band.low[i] < low || band.high[i] > high)));
  return { low, high, clipped: clipped && far, cut, missed: aims.some((aim) => aim < low || aim > high) };
}

/** A range that has room for bands and levels, but not so much that the lines lie flat in it. */
function widened(low, high, bands, log) {
  const least = high === low ? -Infinity : log ? low / (high / low) ** ROOM : low - ROOM * (high - low), most = high === low ? Infinity : log ? high * (high / low) ** ROOM : high + ROOM * (high - low);
  let [bottom, top] = [low, high];
  for (const band of bands) band.x.forEach((_, i) => {
    if (band.low[i] === null || band.high[i] === null) return;
    if (!log || band.low[i] > 0) bottom = Math.min(bottom, Math.max(band.low[i], least));
    if (!log || band.high[i] > 0) top = Math.max(top, Math.min(band.high[i], most));
  });
  return [bottom, top];
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
