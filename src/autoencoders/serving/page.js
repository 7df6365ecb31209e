// The page of `autoencoders serve`. It uses the same HTTP addresses as programs do.

import { drawingArea, encoderInput, newNoise, picture } from "./drawing.js";
import { latentPlane, legend } from "./plane.js";

const byId = (id) => document.getElementById(id);
const SMALL = 256; // pixels: smaller images are enlarged to this width, with visible pixels
const [MIN_SHAPE, MAX_SHAPE] = [1 / 2, 4]; // width / height of the box; others are letterboxed
const NO_ANSWER = "The server does not answer. Is it still running?";
const NEWLINE = 10;

let about, latents, examples; // the answers of GET /about, /latent and /examples
const started = start(); // an image that is dropped earlier waits for this
started.catch(() => showError("error", new Error("The server does not answer. Reload this page.")));

async function start() {
  const answers = await Promise.all(["about", "latent", "examples"].map((address) => fetch(address)));
  [about, latents, examples] = await Promise.all(answers.map((answer) => answer.json()));
  describe();
  offerExamples();
  if (latents.why_not) {
    byId("explorer-hint").textContent = `Not available: ${latents.why_not}.`;
  } else {
    explore();
  }
}

/** Send a request and return the answer; a refusal becomes an error with the server's message. */
async function post(address, body, options = {}) {
  const answer = await received(fetch(address, { method: "POST", body, ...options }));
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => ({}));
  throw refusal({ detail: `The server answers with the status ${answer.status}`, ...content });
}

/** Wait for data of the server; a lost connection becomes an error with a message. */
const received = (promise) =>
  promise.catch((error) => {
    throw error.name === "AbortError" ? error : new Error(NO_ANSWER);
  });

const refusal = ({ detail, mend }) => Object.assign(new Error(detail), { mend });

/** Read a stream: pass each line of progress to `onProgress`; return the image that follows. */
async function readStream(answer, onProgress) {
  const reader = answer.body.getReader();
  let bytes = new Uint8Array();
  for (;;) {
    const end = bytes.indexOf(NEWLINE);
    if (end < 0) {
      bytes = new Uint8Array([...bytes, ...(await chunk(reader))]);
      continue;
    }
    const line = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    bytes = bytes.subarray(end + 1);
    if (line.detail) throw refusal(line);
    if (line.bytes) return await readImage(line, bytes, reader);
    onProgress(line);
  }
}

/** Return the image after the last line; its first bytes came with that line. */
async function readImage({ bytes, type }, first, reader) {
  const parts = [first];
  for (let missing = bytes - first.length; missing > 0; missing -= parts.at(-1).length) {
    parts.push(await chunk(reader));
  }
  return new Blob(parts, { type });
}

async function chunk(reader) {
  const { value, done } = await received(reader.read());
  if (done) throw new Error(NO_ANSWER);
  return value;
}

/** Show an error, or hide the earlier one if there is none. */
function showError(id, error) {
  byId(id).textContent = error?.message ?? "";
  byId(id).hidden = !error;
}

/** Show a blob in an image element and release the earlier blob. */
async function show(image, blob) {
  const earlier = image.src;
  image.src = URL.createObjectURL(blob);
  if (earlier) URL.revokeObjectURL(earlier);
  await image.decode();
}

// --- apply the network to an image

let chosen = null; // the chosen file
let request = new AbortController(); // aborts the request for the current file
let result = null; // the result on the page: the file, and the output as PNG
let downloadUrl = "";

function describe() {
  const [channels, height, width] = about.input_shape;
  const factor = about.image_shape[1] / height;
  const colours = channels === 1 ? "greyscale" : "colour";
  const size = about.any_size ? "of any size" : `of ${width}×${height} pixels`;
  const output = factor > 1 ? ` The output is ${factor} times as high and as wide.` : "";
  document.title = about.variant;
  byId("variant").textContent = about.variant;
  byId("takes").textContent = `The network takes ${colours} images ${size}.${output}`;
  byId("colour-option").hidden = channels !== 1;
  byId("resize-option").hidden = about.any_size;
  const address = `${location.origin}/apply${about.any_size ? "" : "?resize=true"}`;
  byId("example").textContent =
    `curl --fail-with-body --data-binary @input.png "${address}" -o output.png`;
}

/** Show the drawing area, if the network takes such images, and the examples. */
function offerExamples() {
  const { count, drawing } = examples;
  byId("draw").hidden = !drawing;
  byId("choose").hidden = count === 0;
  byId("own").hidden = !drawing && count === 0;
  if (drawing) offerDrawing(drawing);
  for (let number = 1; number <= count; number++) {
    const [button, image] = ["button", "img"].map((tag) => document.createElement(tag));
    Object.assign(button, { type: "button", ariaLabel: `Example ${number}` });
    Object.assign(image, { src: `examples/${number}`, alt: "" });
    button.append(image);
    button.addEventListener("click", async () => {
      await choose(new File([await (await fetch(image.src)).blob()], `example-${number}.png`));
      byId("result").scrollIntoView({ block: "nearest" });
    });
    byId("examples").append(button);
  }
}

/** Apply the network to each finished drawing, as the encoder gets it in training. */
function offerDrawing(input) {
  const noise = newNoise();
  drawingArea(byId("drawing"), (pixels, isFinished) => {
    if (!isFinished) return;
    const canvas = picture(encoderInput(pixels, input, input.std, noise));
    canvas.toBlob((blob) => choose(new File([blob], "drawing.png")));
  });
}

async function choose(file) {
  await started;
  chosen = file;
  await process();
}

/** Apply the network to the chosen file, then move the explorer to its latent vector. */
async function process() {
  const file = chosen;
  if ((await run()) && !latents.why_not && chosen === file) await moveTo(file);
}

const resized = () => !about.any_size && byId("resize").checked;

/** Apply the network to the chosen file; return whether the output is shown. */
async function run() {
  if (!chosen) return false;
  request.abort();
  request = new AbortController();
  const [file, { signal }] = [chosen, request];
  showError("error");
  result = null;
  byId("result").hidden = byId("work").hidden = true;
  byId("status").textContent = `Sending ${file.name} …`;
  try {
    if (file.size > about.most_bytes) {
      throw new Error(`found ${file.size} bytes; allowed: ${about.most_bytes / 2 ** 20} MiB`);
    }
    const colour = byId("colour").value;
    const query = { format: "png", colour, resize: resized(), progress: true };
    const answer = await post(`apply?${new URLSearchParams(query)}`, file, { signal });
    const png = await readStream(answer, (progress) => showProgress(file, progress));
    if (signal.aborted) return false;
    result = { file, png };
    await compare(result);
    await offerDownload();
    return !signal.aborted;
  } catch (error) {
    if (error.name === "AbortError") return false;
    byId("status").textContent = "";
    showError("error", new Error(`${file.name}: ${describeError(error)}`));
    return false;
  } finally {
    if (request.signal === signal) byId("work").hidden = true;
  }
}

/** Return an error message; where programs need a query parameter, it names the box to tick. */
function describeError(error) {
  if (error.mend !== "resize") return error.message;
  const [, height, width] = about.input_shape;
  const box = byId("resize-option").textContent.trim();
  return `the network takes only images of ${width}×${height} pixels: tick “${box}”`;
}

/** Show the progress of a file: the images before it in the queue, and the processed share. */
function showProgress(file, { before, share }) {
  const others = before === 1 ? "1 other image is" : `${before} other images are`;
  let status = `Processing ${file.name} …`;
  if (before > 0) status = `${file.name} is in the queue: ${others} before it.`;
  if (share === 1) status = `Writing the output of ${file.name} …`;
  // A screen reader reads each change aloud.
  if (byId("status").textContent !== status) byId("status").textContent = status;
  byId("progress").toggleAttribute("value", before === 0);
  if (before === 0) byId("progress").value = share;
  byId("share").textContent = before === 0 ? `${Math.floor(100 * share)} %` : "";
  byId("work").hidden = false;
}

function stop() {
  request.abort();
  byId("work").hidden = true;
  byId("status").textContent = `Stopped: ${chosen.name}.`;
  byId("file").focus();
}

/** Show the input and the output of a file, unless another file was chosen meanwhile. */
async function compare(current) {
  const [before, after] = [byId("before"), byId("after")];
  await show(after, current.png);
  const [width, height] = [after.naturalWidth, after.naturalHeight];
  const shown = await show(before, current.file).then(() => true, () => false);
  if (result !== current) return;
  const { name } = current.file;
  setFrame(width, height);
  for (const image of [before, after]) {
    image.classList.toggle("small", Math.max(width, height) <= SMALL);
  }
  before.hidden = byId("split").disabled = !shown;
  split(shown ? 50 : 0);
  byId("status").textContent = shown
    ? `Done: the output of ${name} has ${width}×${height} pixels.`
    : `Done: ${name}. This browser cannot show the input file, only the output.`;
  byId("result").hidden = false;
}

/** Give the box the shape of the image, within limits, and a size that fits the screen. */
function setFrame(width, height) {
  const shape = Math.min(MAX_SHAPE, Math.max(MIN_SHAPE, width / height));
  const boxWidth = Math.max(width, height * shape, SMALL * Math.min(1, shape));
  byId("stage").style.aspectRatio = shape;
  byId("stage").style.setProperty("--fit", shape === width / height ? "cover" : "contain");
  byId("frame").style.maxWidth = `min(${boxWidth}px, ${80 * shape}vh)`;
}

/** Offer the output for download, in the chosen format. */
async function offerDownload() {
  if (!result) return;
  const [current, format] = [result, byId("format").value];
  const { file, png } = current;
  const link = byId("download");
  try {
    showError("error");
    link.removeAttribute("href");
    link.textContent = `Converting to ${byId("format").selectedOptions[0].text} …`;
    const content =
      format === "png" ? png : await (await post(`convert?format=${format}`, png)).blob();
    if (result !== current || byId("format").value !== format) return; // the choice has changed
    URL.revokeObjectURL(downloadUrl);
    link.href = downloadUrl = URL.createObjectURL(content);
    const name = file.name.replace(/\.[^.]*$/, "");
    link.download = `${name}-${about.variant.replace(/^.*[/]/, "")}.${format}`;
    const { naturalWidth, naturalHeight } = byId("after");
    link.textContent = `Download ${link.download} (${naturalWidth}×${naturalHeight})`;
  } catch (error) {
    if (result !== current) return;
    byId("format").value = "png";
    await offerDownload();
    showError("error", new Error(`${file.name}: ${error.message} (the download is a PNG instead)`));
  }
}

function split(percent) {
  byId("split").value = percent;
  byId("split").ariaValueText = `${percent} % input`;
  byId("stage").style.setProperty("--split", `${percent}%`);
}

function listen() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => {
    if (event.target.files[0]) choose(event.target.files[0]);
    event.target.value = ""; // the same file can be chosen again
  });
  // Otherwise the browser opens a file that is dropped beside the field.
  for (const kind of ["dragover", "drop"]) {
    document.addEventListener(kind, (event) => event.preventDefault());
  }
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    drop.classList.remove("over");
    if (event.dataTransfer.files[0]) choose(event.dataTransfer.files[0]);
  });
  byId("split").addEventListener("input", (event) => split(event.target.value));
  byId("colour").addEventListener("change", run);
  byId("resize").addEventListener("change", process);
  byId("format").addEventListener("change", offerDownload);
  byId("stop").addEventListener("click", stop);
}

// --- explore the latent space

let latent = null; // the current latent vector
let busy = false; // a request is running
let moved = false; // `latent` has changed since the last request
let draw = () => {}; // draws the controls

/** Decode `latent` and show the image. One request runs at a time; passed values are skipped. */
async function decode() {
  draw();
  moved = true;
  if (busy) return;
  busy = true;
  try {
    while (moved) {
      moved = false;
      const body = JSON.stringify({ latent });
      const headers = { "Content-Type": "application/json" };
      await show(byId("decoded"), await (await post("decode", body, { headers })).blob());
    }
    showError("explorer-error");
  } catch (error) {
    showError("explorer-error", error);
  }
  busy = false;
}

/** Move to the latent vector of an image file. */
async function moveTo(file) {
  try {
    latent = (await (await post(`encode?resize=${resized()}`, file)).json()).latent;
    await decode();
  } catch {
    // `run` has shown the error already.
  }
}

function explore() {
  byId("explorer").hidden = false;
  latent = [...latents.start];
  draw = latents.size === 2 ? plane() : sliders();
  decode();
}

function plane() {
  byId("explorer-hint").textContent =
    "Move the mouse or a finger over the plane, or press the arrow keys on it: the decoder turns " +
    "the latent vector at the circle into the image. z₁ runs to the right, z₂ upwards." +
    (latents.points.length ? " The dots are the latent vectors of training images." : "");
  const paint = latentPlane(byId("controls"), latents.axes, latents, (point) => {
    latent = point;
    decode();
  });
  if (latents.class_names.length > 1) byId("controls").append(legend(latents));
  const canvas = byId("controls").querySelector("canvas");
  canvas.id = "plane";
  canvas.setAttribute("aria-describedby", "explorer-hint");
  return () => {
    paint(latent);
    byId("position").textContent = `z₁ = ${latent[0].toFixed(2)}, z₂ = ${latent[1].toFixed(2)}`;
  };
}

function sliders() {
  byId("explorer-hint").textContent =
    `The latent vector has ${latents.size} dimensions. The sliders move the ` +
    `${latents.axes.length} that change the image most, the strongest first.`;
  const rows = latents.axes.map((axis) => {
    const row = document.createElement("label");
    row.className = "slider";
    const [name, range, value] = ["span", "input", "output"].map((tag) =>
      document.createElement(tag),
    );
    name.textContent = `z${axis.index}`;
    Object.assign(range, { type: "range", min: axis.low, max: axis.high, step: "any" });
    range.addEventListener("input", () => {
      latent[axis.index] = Number(range.value);
      decode();
    });
    row.append(name, range, value);
    byId("controls").append(row);
    return { axis, range, value };
  });
  return () => {
    for (const { axis, range, value } of rows) {
      range.value = latent[axis.index];
      value.textContent = latent[axis.index].toFixed(2);
    }
  };
}

listen();
