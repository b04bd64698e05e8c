/** The picture of one frame: the frame, its labels in one of the overlay modes, the previous round beside them. */

const CHECKER = 12;

function checkerboard(context) {
  const tile = new OffscreenCanvas(2 * CHECKER, 2 * CHECKER);
  const brush = tile.getContext("2d");
  brush.fillStyle = "#5b6069";
  brush.fillRect(0, 0, 2 * CHECKER, 2 * CHECKER);
  brush.fillStyle = "#767c86";
  brush.fillRect(0, 0, CHECKER, CHECKER);
  brush.fillRect(CHECKER, CHECKER, CHECKER, CHECKER);
  return context.createPattern(tile, "repeat");
}

export class Picture {
  constructor(context, width, height) {
    this.context = context;
    this.width = width;
    this.height = height;
    this.checker = checkerboard(context);
    this.scratch = null;
  }

  /** Draw into the camera's rectangle; `ratio` device pixels per CSS pixel. */
  draw({ camera, ratio, bitmap, layers, previous, mode, opacity, wipe }) {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (!bitmap) return;
    const box = [camera.x, camera.y, this.width * camera.scale, this.height * camera.scale];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = camera.scale * ratio < 3;
    if (wipe === null) {
      this.side(box, bitmap, layers, mode, opacity);
      return;
    }
    const split = wipe * box[2];
    this.part(box, 0, split, () => this.side(box, bitmap, previous, mode, opacity));
    this.part(box, split, box[2] - split, () => this.side(box, bitmap, layers, mode, opacity));
  }

  part([x, y, , height], from, width, work) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x + from, y, width, height);
    context.clip();
    work();
    context.restore();
  }

  side(box, bitmap, layers, mode, opacity) {
    const { context } = this;
    if (mode.startsWith("cutout") && layers) {
      context.fillStyle = mode === "cutout-grey" ? "#6a6f78" : this.checker;
      context.fillRect(...box);
      context.drawImage(this.cutout(bitmap, layers), ...box);
      return;
    }
    context.drawImage(bitmap, ...box);
    if (!layers) return;
    if (mode === "tint" || mode === "both") {
      context.globalAlpha = opacity;
      context.drawImage(layers.fill, ...box);
    }
    if (mode === "outline" || mode === "both") {
      context.globalAlpha = mode === "outline" ? Math.min(1, 0.3 + opacity) : Math.min(1, 0.35 + opacity);
      context.drawImage(layers.outline, ...box);
    }
    context.globalAlpha = 1;
  }

  /** The frame where an object is, nothing elsewhere. */
  cutout(bitmap, layers) {
    this.scratch ??= new OffscreenCanvas(this.width, this.height);
    const brush = this.scratch.getContext("2d");
    brush.globalCompositeOperation = "copy";
    brush.drawImage(layers.fill, 0, 0);
    brush.globalCompositeOperation = "source-in";
    brush.drawImage(bitmap, 0, 0, this.width, this.height);
    return this.scratch;
  }
}
