/** Label maps as runs (uint32: label << 24 | length, row-major) and their pictures. No DOM: a worker uses it. */

/** Label map, one byte per pixel. Throws RangeError where the runs do not fill the frame. */
export function decodeRuns(runs, size) {
  const labels = new Uint8Array(size);
  let at = 0;
  for (const run of runs) {
    const end = at + (run & 0xffffff);
    const label = run >>> 24;
    if (label) labels.fill(label, at, end);
    at = end;
  }
  if (at !== size) throw new RangeError(`The labels have ${at} pixels, the frame has ${size}.`);
  return labels;
}

/** Colours by label for pixels in memory order R, G, B, A; labels without a colour stay transparent. */
export function palette(objects) {
  const colours = new Uint32Array(256);
  for (const { id, colour } of objects) {
    const value = Number.parseInt(colour.slice(1), 16);
    const [red, green, blue] = [value >>> 16, (value >>> 8) & 255, value & 255];
    colours[id] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return colours;
}

/** The same colours, a share nearer to white: borders have to be seen on things of their own colour. */
export function lighter(colours, share = 0.5) {
  const mix = (value) => Math.round(value + share * (255 - value));
  return colours.map((colour) => {
    if (colour === 0) return 0;
    const [red, green, blue] = [colour & 255, (colour >>> 8) & 255, (colour >>> 16) & 255].map(mix);
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

/** Pixels (uint32) of the filled objects, straight from the runs. */
export function paintFill(runs, size, colours) {
  const pixels = new Uint32Array(size);
  let at = 0;
  for (const run of runs) {
    const end = at + (run & 0xffffff);
    const colour = colours[run >>> 24];
    if (colour) pixels.fill(colour, at, end);
    at = end;
  }
  return pixels;
}

/** Pixels (uint32) of the objects' inner borders, `thickness` pixels wide; background runs cost nothing. */
export function paintOutline(runs, labels, width, height, colours, thickness) {
  const pixels = new Uint32Array(width * height);
  let begin = 0;
  for (const run of runs) {
    const end = begin + (run & 0xffffff);
    const label = run >>> 24;
    const colour = colours[label];
    for (let at = begin; colour && at < end; at++) {
      const x = at % width;
      const left = x >= thickness ? at - thickness : at;
      const right = x + thickness < width ? at + thickness : at;
      const above = at >= thickness * width ? at - thickness * width : at;
      const below = at + thickness * width < labels.length ? at + thickness * width : at;
      const inside =
        labels[left] === label && labels[right] === label && labels[above] === label && labels[below] === label;
      if (!inside) pixels[at] = colour;
    }
    begin = end;
  }
  return pixels;
}
