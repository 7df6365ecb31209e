// What people do on the page, asked of the server by the same HTTP that programs use.

const byId = (id) => document.getElementById(id);
const SMALL = 256; // pixels: images up to here are shown with their pixels, and no less than this
const [NARROWEST, WIDEST] = [1 / 2, 4]; // width / height of the box; others are letterboxed
const SILENT = "The server does not answer: is it still running?";
const NEWLINE = 10;
const STEP = 1 / 40; // of an axis, for a press of an arrow key

let about, latents; // what is served, and what there is to walk through
const known = start(); // a picture that is dropped at once waits for it
known.catch(() => complain("error", new Error("The server does not answer: load this page again.")));

async function start() {
  const told = await Promise.all(["about", "latent"].map((address) => fetch(address)));
  [about, latents] = await Promise.all(told.map((answer) => answer.json()));
  describe();
  if (latents.why_not) {
    byId("walk-hint").textContent = `There is none here: ${latents.why_not}.`;
  } else {
    explore();
  }
}

/** Ask the server; what it has against it becomes an error with its words. */
async function post(address, body, options = {}) {
  const answer = await sent(fetch(address, { method: "POST", body, ...options }));
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw refusal({ detail: `The server answers ${answer.status}`, ...told });
}

/** Wait for what the server sends; that it sends nothing is said in words. */
const sent = (awaited) =>
  awaited.catch((error) => {
    throw error.name === "AbortError" ? error : new Error(SILENT);
  });

const refusal = ({ detail, mend }) => Object.assign(new Error(detail), { mend });

/** Return the image at the end of an answer in lines; each line before it is told. */
async function follow(answer, tell) {
  const reader = answer.body.getReader();
  let bytes = new Uint8Array();
  for (;;) {
    const end = bytes.indexOf(NEWLINE);
    if (end < 0) {
      bytes = new Uint8Array([...bytes, ...(await chunk(reader))]);
      continue;
    }
    const told = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    bytes = bytes.subarray(end + 1);
    if (told.detail) throw refusal(told);
    if (told.bytes) return await image(told, bytes, reader);
    tell(told);
  }
}

/** Return the image that follows the last line; a part of it came with that line. */
async function image({ bytes, type }, first, reader) {
  const parts = [first];
  for (let missing = bytes - first.length; missing > 0; missing -= parts.at(-1).length) {
    parts.push(await chunk(reader));
  }
  return new Blob(parts, { type });
}

async function chunk(reader) {
  const { value, done } = await sent(reader.read());
  if (done) throw new Error(SILENT);
  return value;
}

function complain(id, error) {
  byId(id).textContent = error?.message ?? "";
  byId(id).hidden = !error;
}

/** Show a blob in an image, and let the one before it go. */
async function show(image, blob) {
  const before = image.src;
  image.src = URL.createObjectURL(blob);
  if (before) URL.revokeObjectURL(before);
  await image.decode();
}

// --- a picture through the network

let chosen = null; // the file
let asking = new AbortController(); // ends what is asked about the one before it
let made = null; // the result that is shown: of which file, and the PNG
let offered = ""; // the address of what is downloaded

function describe() {
  const [channels, height, width] = about.input_shape;
  const factor = about.image_shape[1] / height;
  const colours = channels === 1 ? "grey" : "colour";
  const size = about.any_size ? "of any size" : `of ${width}×${height} pixels`;
  const made = factor > 1 ? ` It makes them ${factor} times as high and wide.` : "";
  document.title = about.variant;
  byId("variant").textContent = about.variant;
  byId("takes").textContent = `A network for ${colours} pictures ${size}.${made}`;
  byId("colour-option").hidden = channels !== 1;
  byId("resize-option").hidden = about.any_size;
  const address = `${location.origin}/apply${about.any_size ? "" : "?resize=true"}`;
  byId("example").textContent =
    `curl --fail-with-body --data-binary @picture.png "${address}" -o made.png`;
}

async function choose(file) {
  await known;
  chosen = file;
  await go();
}

/** Put what is chosen through the network, and the walk to where it lies. */
async function go() {
  const file = chosen;
  if ((await run()) && !latents.why_not && chosen === file) await walkTo(file);
}

const resized = () => !about.any_size && byId("resize").checked;

/** Put what is chosen through the network; return whether it is. */
async function run() {
  if (!chosen) return false;
  asking.abort();
  asking = new AbortController();
  const [file, { signal }] = [chosen, asking];
  complain("error");
  made = null;
  byId("result").hidden = byId("work").hidden = true;
  byId("status").textContent = `${file.name} is on its way …`;
  try {
    if (file.size > about.most_bytes) {
      throw new Error(`${file.size} bytes; allowed: ${about.most_bytes / 2 ** 20} MiB`);
    }
    const colour = byId("colour").value;
    const wanted = { format: "png", colour, resize: resized(), progress: true };
    const answer = await post(`apply?${new URLSearchParams(wanted)}`, file, { signal });
    const png = await follow(answer, (told) => tell(file, told));
    if (signal.aborted) return false;
    made = { file, png };
    await compare(made);
    await offer();
    return !signal.aborted;
  } catch (error) {
    if (error.name === "AbortError") return false;
    byId("status").textContent = "";
    complain("error", new Error(`${file.name}: ${inWords(error)}`));
    return false;
  } finally {
    if (asking.signal === signal) byId("work").hidden = true;
  }
}

/** Return what is wrong, with what mends it on this page, where programs have a parameter. */
function inWords(error) {
  if (error.mend !== "resize") return error.message;
  const [, height, width] = about.input_shape;
  const box = byId("resize-option").textContent.trim();
  return `this network takes pictures of ${width}×${height} pixels alone: tick “${box}”`;
}

/** Show how far a picture is. */
function tell(file, { before, share }) {
  const others = before === 1 ? "another picture is" : `${before} others are`;
  let said = `${file.name} is going through the network …`;
  if (before > 0) said = `${file.name} waits for its turn: ${others} before it.`;
  if (share === 1) said = `${file.name} is through, and is being written …`;
  if (byId("status").textContent !== said) byId("status").textContent = said; // said aloud once
  byId("progress").toggleAttribute("value", before === 0);
  if (before === 0) byId("progress").value = share;
  byId("share").textContent = before === 0 ? `${Math.floor(100 * share)} %` : "";
  byId("work").hidden = false;
}

function stop() {
  asking.abort();
  byId("work").hidden = true;
  byId("status").textContent = `${chosen.name} was stopped.`;
  byId("file").focus();
}

/** Show a result beside its file, unless it has been replaced meanwhile. */
async function compare(result) {
  const [before, after] = [byId("before"), byId("after")];
  await show(after, result.png);
  const [width, height] = [after.naturalWidth, after.naturalHeight];
  const shown = await show(before, result.file).then(() => true, () => false);
  if (made !== result) return;
  const { name } = result.file;
  frame(width, height);
  for (const image of [before, after]) {
    image.classList.toggle("small", Math.max(width, height) <= SMALL);
  }
  before.hidden = byId("split").disabled = !shown;
  split(shown ? 50 : 0);
  byId("status").textContent = shown
    ? `${name} is through: ${width}×${height} pixels.`
    : `${name} is through. This browser cannot show the file itself, only what became of it.`;
  byId("result").hidden = false;
}

/** Give the box the picture's shape, as far as that fits the screen. */
function frame(width, height) {
  const shape = Math.min(WIDEST, Math.max(NARROWEST, width / height));
  const across = Math.max(width, height * shape, SMALL * Math.min(1, shape));
  byId("stage").style.aspectRatio = shape;
  byId("stage").style.setProperty("--fit", shape === width / height ? "cover" : "contain");
  byId("frame").style.maxWidth = `min(${across}px, ${80 * shape}vh)`;
}

/** Offer the result for download, in the format that is wanted. */
async function offer() {
  if (!made) return;
  const [result, format] = [made, byId("format").value];
  const { file, png } = result;
  const link = byId("download");
  try {
    complain("error");
    link.removeAttribute("href");
    link.textContent = `It is being written as ${byId("format").selectedOptions[0].text} …`;
    const content =
      format === "png" ? png : await (await post(`convert?format=${format}`, png)).blob();
    if (made !== result || byId("format").value !== format) return; // another is wanted
    URL.revokeObjectURL(offered);
    link.href = offered = URL.createObjectURL(content);
    const name = file.name.replace(/\.[^.]*$/, "");
    link.download = `${name}-${about.variant.replace(/^.*[/]/, "")}.${format}`;
    const { naturalWidth, naturalHeight } = byId("after");
    link.textContent = `Download ${link.download} (${naturalWidth}×${naturalHeight})`;
  } catch (error) {
    if (made !== result) return;
    byId("format").value = "png";
    await offer();
    complain("error", new Error(`${file.name}: ${error.message} (PNG is offered instead)`));
  }
}

function split(percent) {
  byId("split").value = percent;
  byId("split").ariaValueText = `${percent} % before`;
  byId("stage").style.setProperty("--split", `${percent}%`);
}

function listen() {
  const drop = byId("drop");
  byId("file").addEventListener("change", (event) => {
    if (event.target.files[0]) choose(event.target.files[0]);
    event.target.value = ""; // so that the same file may be chosen again
  });
  // What is dropped beside the field must not take the page's place.
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
  byId("resize").addEventListener("change", go);
  byId("format").addEventListener("change", offer);
  byId("stop").addEventListener("click", stop);
}

// --- a walk through the latents

let here = null; // the latent that is shown
let busy = false;
let moved = false; // while the one before it was decoded
let draw = () => {};

/** Show the image of `here`. One is asked for at a time: what was passed meanwhile is left out. */
async function decode() {
  draw();
  moved = true;
  if (busy) return;
  busy = true;
  try {
    while (moved) {
      moved = false;
      const body = JSON.stringify({ latent: here });
      const headers = { "Content-Type": "application/json" };
      await show(byId("decoded"), await (await post("decode", body, { headers })).blob());
    }
    complain("walk-error");
  } catch (error) {
    complain("walk-error", error);
  }
  busy = false;
}

/** Go to where the encoder puts a picture. */
async function walkTo(file) {
  try {
    here = (await (await post(`encode?resize=${resized()}`, file)).json()).latent;
    await decode();
  } catch {
    // Why the picture cannot be read is said above already.
  }
}

const bounded = (value, { low, high }) => Math.min(high, Math.max(low, value));

function explore() {
  byId("explorer").hidden = false;
  here = [...latents.start];
  draw = latents.size === 2 ? plane() : sliders();
  decode();
}

function plane() {
  const [across, up] = latents.axes;
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.id = "plane";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The plane of latents: the arrow keys move the point");
  canvas.setAttribute("aria-describedby", "walk-hint");
  byId("controls").append(canvas, legend());
  byId("walk-hint").textContent =
    "Move over the plane, or press the arrow keys on it: each point is decoded into an image." +
    (latents.points.length ? " The dots are training images." : "");

  const go = (x, y) => {
    here = [bounded(x, across), bounded(y, up)];
    decode();
  };
  canvas.addEventListener("pointermove", (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [right, down] = [(event.clientX - left) / width, (event.clientY - top) / height];
    go(across.low + right * (across.high - across.low), up.high - down * (up.high - up.low));
  });
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!way[event.key]) return;
    event.preventDefault();
    const [x, y] = way[event.key].map((sign) => sign * STEP);
    go(here[0] + x * (across.high - across.low), here[1] + y * (up.high - up.low));
  });
  const paint = () => paintPlane(canvas, across, up);
  new ResizeObserver(paint).observe(canvas);
  return () => {
    paint();
    byId("where").textContent = `z₁ ${here[0].toFixed(2)}, z₂ ${here[1].toFixed(2)}`;
  };
}

function legend() {
  const list = document.createElement("ul");
  list.className = "classes";
  if (latents.class_names.length > 1) {
    latents.class_names.forEach((name, index) => {
      const item = document.createElement("li");
      item.textContent = name;
      item.style.setProperty("--dot", latents.colours[index]);
      list.append(item);
    });
  }
  return list;
}

function paintPlane(canvas, across, up) {
  const ratio = window.devicePixelRatio;
  const side = canvas.clientWidth;
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const place = ([x, y]) => [
    ((x - across.low) / (across.high - across.low)) * side,
    ((up.high - y) / (up.high - up.low)) * side,
  ];
  pen.globalAlpha = 0.6;
  latents.points.forEach((point, index) => {
    pen.fillStyle = latents.colours[latents.classes[index]];
    pen.beginPath();
    pen.arc(...place(point), 2, 0, 7);
    pen.fill();
  });
  pen.globalAlpha = 1;
  const [x, y] = place(here);
  for (const [colour, width] of [["#ffffff", 5], ["#000000", 2]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, 8, 0, 7);
    pen.stroke();
  }
}

function sliders() {
  byId("walk-hint").textContent =
    `Of the latent's ${latents.size} numbers, those that change the image most, the first most.`;
  const rows = latents.axes.map((axis) => {
    const row = document.createElement("label");
    row.className = "slider";
    const [name, range, value] = ["span", "input", "output"].map((tag) =>
      document.createElement(tag),
    );
    name.textContent = `z${axis.index}`;
    Object.assign(range, { type: "range", min: axis.low, max: axis.high, step: "any" });
    range.addEventListener("input", () => {
      here[axis.index] = Number(range.value);
      decode();
    });
    row.append(name, range, value);
    byId("controls").append(row);
    return { axis, range, value };
  });
  return () => {
    for (const { axis, range, value } of rows) {
      range.value = here[axis.index];
      value.textContent = here[axis.index].toFixed(2);
    }
  };
}

listen();
