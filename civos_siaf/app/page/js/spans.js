/** Frames as ascending spans [first, last], both ends included: an hour of video has few of them. */

/** Is frame `t` in one of them? */
export function includes(spans, t) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle][1] < t) low = middle + 1;
    else high = middle;
  }
  return low < spans.length && spans[low][0] <= t;
}

/** How many frames they are. */
export const count = (spans) => spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);

/** Spans of ascending frames. */
export function spansOf(frames) {
  const spans = [];
  for (const t of frames) {
    if (spans.length && t === spans.at(-1)[1] + 1) spans.at(-1)[1] = t;
    else spans.push([t, t]);
  }
  return spans;
}

/** Nearest frame after (step 1) or before (step -1) `frame`; `frame` itself where there is none. */
export function neighbour(spans, frame, step) {
  let best = frame;
  for (const [first, last] of spans) {
    if (step > 0 ? last <= frame : first >= frame) continue;
    const near = step > 0 ? Math.max(first, frame + 1) : Math.min(last, frame - 1);
    if (best === frame || step * (best - near) > 0) best = near;
  }
  return best;
}

/** Frames of the spans from `from` to `to`, at least `gap` apart. */
export function* within(spans, from, to, gap = 1) {
  let next = Math.floor(from);
  for (const [first, last] of spans) {
    if (first > to) return;
    for (let t = Math.max(first, next); t <= Math.min(last, to); t += gap) {
      yield t;
      next = t + gap;
    }
  }
}
