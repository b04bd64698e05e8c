/** Paints label maps beside the page's own thread: runs in, bitmaps out. */

import { decodeRuns, lighter, paintFill, paintOutline } from "./runs.js";

function bitmap(pixels, width, height) {
  return createImageBitmap(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height));
}

self.onmessage = async ({ data }) => {
  const { id, buffer, width, height, colours, thickness } = data;
  try {
    const runs = new Uint32Array(buffer);
    const labels = decodeRuns(runs, width * height);
    const [fill, outline] = await Promise.all([
      bitmap(paintFill(runs, width * height, colours), width, height),
      bitmap(paintOutline(runs, labels, width, height, lighter(colours), thickness), width, height),
    ]);
    self.postMessage({ id, fill, outline }, [fill, outline]);
  } catch (error) {
    self.postMessage({ id, error: error.message });
  }
};
