/** Prompts drawn on a canvas: dots with their sign, strokes, boxes, the keyboard's cross-hair. */

const BACKGROUND = "#f2f3f5";
const COMING = "#4c8dff";
const STROKE_WIDTH = 5;
const TAU = 2 * Math.PI;

/** Of an object, of the background (0), or of one that is only about to be made. */
export function colourOf(store, object) {
  return object === 0 ? BACKGROUND : (store.object(object)?.colour ?? COMING);
}

/** Draw a click: its object's colour, a ring, and + or - (so that colour is not all that tells). */
function click(context, point, colour, { positive, faded, failed }) {
  const radius = faded ? 5 : 7.5;
  context.globalAlpha = faded ? 0.75 : 1;
  context.beginPath();
  context.arc(point.x, point.y, radius + (failed ? 5 : 1.5), 0, TAU);
  context.fillStyle = failed ? "#ff3b3b" : "#0c0e12";
  context.fill();
  context.beginPath();
  context.arc(point.x, point.y, radius, 0, TAU);
  context.fillStyle = positive ? colour : "#0c0e12";
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = positive ? "#ffffff" : colour;
  context.stroke();
  const arm = radius - 3.5;
  context.beginPath();
  context.moveTo(point.x - arm, point.y);
  context.lineTo(point.x + arm, point.y);
  if (positive) {
    context.moveTo(point.x, point.y - arm);
    context.lineTo(point.x, point.y + arm);
  }
  context.strokeStyle = "#ffffff";
  context.stroke();
  context.globalAlpha = 1;
}

function trace(context, points) {
  context.beginPath();
  context.moveTo(points[0].x, points[0].y);
  for (const point of points) context.lineTo(point.x, point.y);
  if (points.length === 1) context.lineTo(points[0].x + 0.01, points[0].y);
}

/** Set the context for a stroke; background strokes are light with dark dashes over them. */
export function stroke(context, points, colour, { background = false, faded = false, failed = false } = {}) {
  context.lineCap = context.lineJoin = "round";
  context.globalAlpha = faded ? 0.5 : 0.95;
  trace(context, points);
  context.lineWidth = STROKE_WIDTH + 3;
  context.strokeStyle = failed ? "#ff5d5d" : "rgba(8, 10, 14, 0.75)";
  context.stroke();
  context.lineWidth = STROKE_WIDTH;
  context.strokeStyle = background ? BACKGROUND : colour;
  context.stroke();
  if (background) {
    context.setLineDash([2, 9]);
    context.lineWidth = 2.5;
    context.strokeStyle = "#0c0e12";
    context.stroke();
    context.setLineDash([]);
  }
  context.globalAlpha = 1;
}

export function box(context, from, to, colour, { faded = false, failed = false } = {}) {
  const sides = [Math.min(from.x, to.x), Math.min(from.y, to.y), Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  context.globalAlpha = faded ? 0.55 : 1;
  context.lineWidth = 4;
  context.strokeStyle = failed ? "#ff5d5d" : "rgba(8, 10, 14, 0.75)";
  context.strokeRect(...sides);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(...sides);
  context.globalAlpha = 1;
}

/** A turning arc: the answer to what was drawn here is on its way. */
export function waiting(context, { x, y }, now) {
  const turn = now / 160;
  context.beginPath();
  context.arc(x, y, 14, turn, turn + 4);
  context.lineWidth = 2;
  context.lineCap = "round";
  context.strokeStyle = "#ffffff";
  context.stroke();
}

/** Where a prompt is, for the arc. */
export function placeOf(camera, item) {
  if (item.kind === "click") return camera.toStage(item.x, item.y);
  if (item.kind === "scribble") return camera.toStage(...item.points.at(-1));
  return camera.toStage(item.x1, item.y1);
}

/** Draw one prompt (of the state or of the outbox) as the camera sees it. */
export function prompt(context, camera, store, item) {
  const colour = colourOf(store, item.object);
  const look = { faded: item.status === "propagated", failed: item.status === "failed" };
  if (item.kind === "click") {
    click(context, camera.toStage(item.x, item.y), colour, { ...look, positive: item.positive });
  } else if (item.kind === "scribble") {
    const points = item.points.map(([x, y]) => camera.toStage(x, y));
    stroke(context, points, colour, { ...look, background: item.object === 0 });
  } else if (item.kind === "box") {
    box(context, camera.toStage(item.x0, item.y0), camera.toStage(item.x1, item.y1), colour, look);
  }
}

export function crossHair(context, camera, cursor, colour) {
  const { x, y } = camera.toStage(cursor.x, cursor.y);
  for (const [width, style] of [[4, "rgba(8, 10, 14, 0.8)"], [1.5, colour]]) {
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + 5 * dx, y + 5 * dy);
      context.lineTo(x + 22 * dx, y + 22 * dy);
    }
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}
