// A drawing area, and its drawing as an encoder input. `page` and `serve` use it.

export const SIDE = 28; // pixels of an image
const BOX = 20; // pixels of the longer side of a digit in it, as in MNIST
const PEN = 2.4; // width of a line in it, in pixels
const FINE = 8; // subpixels along a pixel's side
const CANVAS = 280; // units along the drawing area's side
const MAX_SCALE = 0.25; // pixels per unit: a dot does not become a blob
const pixelsOf = (value) => new Float32Array(SIDE * SIDE).map(value);

/**
 * Add a canvas and a button to `container`. `onChange(pixels, isFinished)` receives each new drawing
 * as 28×28 numbers in [0, 1]; `isFinished` is false while a line is drawn. Return a function that
 * shows other pixels instead.
 */
export function drawingArea(container, onChange) {
  const canvas = document.createElement("canvas");
  const clear = document.createElement("button");
  Object.assign(canvas, { className: "drawing", width: CANVAS, height: CANVAS });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Drawing area for a mouse, a pen or a finger");
  Object.assign(clear, { type: "button", textContent: "Clear" });
  container.append(canvas, clear);
  const pen = canvas.getContext("2d");
  let strokes = [];
  const show = (pixels) => {
    strokes = [];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(picture(pixels), 0, 0, CANVAS, CANVAS);
  };
  const changed = (isFinished) => {
    drawLines(pen, strokes, (PEN * CANVAS) / SIDE);
    onChange(digit(strokes), isFinished);
  };
  const add = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - left) / width, (event.clientY - top) / height];
    strokes.at(-1).push([x * CANVAS, y * CANVAS]);
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    strokes.push([]);
    add(event);
    changed(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.isPrimary || !canvas.hasPointerCapture(event.pointerId)) return;
    [...event.getCoalescedEvents(), event].forEach(add);
    changed(false);
  });
  canvas.addEventListener("lostpointercapture", () => strokes.length && changed(true));
  clear.addEventListener("click", () => {
    show(pixelsOf(() => 0));
    onChange(pixelsOf(() => 0), true);
  });
  show(pixelsOf(() => 0));
  return show;
}

/** Paint lines in white on black, after `scale` and the shift of `centre` to the middle. */
function drawLines(pen, strokes, width, scale = 1, centre = [CANVAS / 2, CANVAS / 2]) {
  const middle = pen.canvas.width / 2;
  pen.fillStyle = "#000000";
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  Object.assign(pen, { strokeStyle: "#ffffff", lineWidth: width, lineCap: "round", lineJoin: "round" });
  for (const stroke of strokes) {
    pen.beginPath();
    for (const [x, y] of [stroke[0], ...stroke]) { // a dot needs two points
      pen.lineTo(middle + scale * (x - centre[0]), middle + scale * (y - centre[1]));
    }
    pen.stroke();
  }
}

/** Return lines as MNIST has digits: 20 pixels high or wide, their centre of mass in the middle. */
function digit(strokes) {
  const axes = [0, 1].map((axis) => strokes.flat().map((point) => point[axis]));
  const [lows, highs] = [axes.map((axis) => Math.min(...axis)), axes.map((axis) => Math.max(...axis))];
  const length = Math.max(highs[0] - lows[0], highs[1] - lows[1]);
  const scale = Math.min((BOX - PEN) / length, MAX_SCALE);
  const middle = lows.map((low, axis) => (low + highs[axis]) / 2);
  const mass = centreOfMass(rasterized(strokes, scale, middle));
  return rasterized(strokes, scale, middle.map((at, axis) => at + (mass[axis] - SIDE / 2) / scale));
}

/** Return lines as pixels, each the mean of its subpixels. */
function rasterized(strokes, scale, centre) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE * FINE, height: SIDE * FINE });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  drawLines(pen, strokes, PEN * FINE, scale * FINE, centre);
  const fine = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const pixels = pixelsOf(() => 0);
  for (let i = 0; i < canvas.width * canvas.height; i++) {
    const [row, column] = [Math.floor(i / canvas.width / FINE), Math.floor((i % canvas.width) / FINE)];
    pixels[row * SIDE + column] += fine[4 * i] / 255 / FINE ** 2;
  }
  return pixels;
}

function centreOfMass(pixels) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((value, i) => {
    mass += value;
    x += value * ((i % SIDE) + 0.5);
    y += value * (Math.floor(i / SIDE) + 0.5);
  });
  return [x / mass, y / mass];
}

/** Return the pixels after a Gaussian blur with a standard deviation of `sigma` pixels. */
export function blurred(pixels, sigma) {
  if (sigma === 0) return pixels;
  const weights = Array.from({ length: SIDE }, (_, row) =>
    Array.from({ length: SIDE }, (_, i) => Math.exp(-(((i - row) / sigma) ** 2) / 2)),
  );
  return reduced(pixels, weights.map((row) => row.map((w) => w / row.reduce((a, b) => a + b))));
}

/** Return R·X·Rᵀ for an image X and a matrix R of `matrix.length` rows: a smaller or blurred image. */
function reduced(pixels, matrix) {
  const across = matrix.map((weights) =>
    Array.from({ length: SIDE }, (_, row) =>
      weights.reduce((sum, weight, i) => sum + weight * pixels[row * SIDE + i], 0),
    ),
  );
  const rows = matrix.map((weights) =>
    across.map((column) => weights.reduce((sum, weight, i) => sum + weight * column[i], 0)),
  );
  return Float32Array.from(rows.flat());
}

/** Return 28×28 random numbers of a normal distribution. */
export const newNoise = () =>
  pixelsOf(() => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));

const bounded = (value) => Math.min(1, Math.max(0, value));

/** Return what a network gets of a drawing: smaller for an upscaler, with noise of `std`. */
export function encoderInput(pixels, { matrix, mean, clamp }, std, noise) {
  const seen = matrix ? reduced(pixels, matrix).map(bounded) : pixels;
  const noisy = seen.map((value, i) => value + mean + std * noise[i]);
  return clamp ? noisy.map(bounded) : noisy;
}

/** Return a canvas with an image of numbers in [0, 1], as grey pixels; paint it on `canvas` if given. */
export function picture(pixels, canvas = document.createElement("canvas")) {
  canvas.width = canvas.height = Math.sqrt(pixels.length);
  const data = Uint8ClampedArray.from({ length: 4 * pixels.length }, (_, i) =>
    i % 4 === 3 ? 255 : 255 * pixels[i >> 2],
  );
  canvas.getContext("2d").putImageData(new ImageData(data, canvas.width), 0, 0);
  return canvas;
}
