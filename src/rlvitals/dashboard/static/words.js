// What stands at the ticks of an axis.

import { short, span } from "./format.js";

export const clockText = (clock, value) => (clock === "time" ? span(value) : short(value));
