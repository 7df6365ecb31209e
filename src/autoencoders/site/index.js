// The page of `autoencoders page`: a drawing, and what each network makes of it.

import { SIDE, blurred, drawingArea, encoderInput, newNoise, picture } from "./drawing.js";
import { latentPlane, legend } from "./plane.js";
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";

const byId = (id) => document.getElementById(id);
const FEW = 2; // the length of a latent that the plane shows as it is

export const networks = []; // descriptions of networks.json, with their sessions and latest results
let drawing = new Float32Array(SIDE * SIDE);
const noise = newNoise();
let noiseLevel = null; // standard deviation; null until the slider moves: each network's own

// Work that waits. One job runs at a time, and each one waits only once, so passed values are skipped.
const jobs = new Set();
let working = false;

export const isIdle = () => !working;

async function work(...wanted) {
  wanted.forEach((job) => jobs.add(job));
  if (working) return;
  working = true;
  try {
    for (const job of jobs) {
      jobs.delete(job);
      await job();
    }
  } catch (error) {
    showError(error);
  }
  working = false;
}

function showError(error) {
  byId("status").textContent = "";
  byId("error").textContent = `The networks do not run: ${error.message}`;
  byId("error").hidden = false;
}

/** Return the output of an ONNX file for numbers of a shape, without the batch. */
async function run(session, numbers, shape) {
  const tensor = new ort.Tensor("float32", Float32Array.from(numbers), [1, ...shape]);
  const outputs = await session.run({ [session.inputNames[0]]: tensor });
  return outputs[session.outputNames[0]].data;
}

async function start() {
  byId("unserved").hidden = true;
  byId("main").hidden = false;
  byId("status").textContent = "Loading the networks …";
  const wasm = new URL("runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href;
  // More threads would need headers that static hosts do not send.
  ort.env.logLevel = "error";
  Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: { wasm } });
  const { networks: described, datasets } = await (await fetch("networks.json")).json();
  if (!described.some(({ dataset }) => dataset.startsWith("mnist"))) {
    document.querySelector("h1").textContent = document.title = "Draw a picture";
  }
  const show = drawingArea(byId("drawing"), draw);
  for (const dataset of Object.values(datasets)) await addImages(dataset, show);
  for (const [id, digits, unit] of [["noise", 2, ""], ["blur", 1, " pixels"]]) {
    byId(id).addEventListener("input", ({ target }) => {
      target.nextElementSibling.textContent = Number(target.value).toFixed(digits) + unit;
      if (id === "noise") noiseLevel = Number(target.value);
      draw(drawing);
    });
  }
  for (const network of described) {
    network.sessions = [];
    for (const file of network.files) {
      network.sessions.push(await ort.InferenceSession.create(file));
    }
    addResult(network);
    if (network.plane) addPlane(network, datasets[network.dataset]);
    networks.push(network);
  }
  byId("examples").querySelector("button")?.click();
  await draw(drawing);
  byId("status").textContent = "";
}

/** Show what all networks make of 28×28 pixels. */
async function draw(pixels) {
  drawing = pixels;
  await work(...networks.map((network) => network.compute));
}

/** Cut the test images of a dataset from its sheet, and offer its examples as drawings. */
async function addImages(dataset, show) {
  const sheet = new Image();
  sheet.src = dataset.sheet;
  await sheet.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: sheet.width, height: sheet.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(sheet, 0, 0);
  dataset.image = (index) => {
    const [row, column] = [Math.floor(index / dataset.columns), index % dataset.columns];
    const { data } = pen.getImageData(column * SIDE, row * SIDE, SIDE, SIDE);
    return new Float32Array(SIDE * SIDE).map((_, i) => data[4 * i] / 255);
  };
  for (const index of dataset.examples) {
    const button = document.createElement("button");
    button.setAttribute("aria-label", `Test image: ${dataset.class_names[dataset.classes[index]]}`);
    button.append(picture(dataset.image(index)));
    button.addEventListener("click", () => {
      show(dataset.image(index));
      draw(dataset.image(index));
    });
    byId("examples").append(button);
  }
  byId("examples-hint").hidden = byId("dots").hidden = false;
}

function addCard(kind, { name, title, sentence }) {
  const card = byId(kind).content.firstElementChild.cloneNode(true);
  card.querySelector("h3").textContent = title;
  card.querySelector(".sentence").textContent = sentence;
  card.querySelector("code").textContent = name;
  return card;
}

function addResult(network) {
  const { input, latent_shape: shape, sessions: [first, second] } = network;
  const card = addCard("result", network);
  byId("results").append(card);
  network.compute = async () => {
    const pixels = blurred(drawing, Number(byId("blur").value));
    network.seen = encoderInput(pixels, input, noiseLevel ?? input.std, noise);
    const side = Math.sqrt(network.seen.length);
    network.made = await run(first, network.seen, [1, side, side]);
    if (second) {
      network.latent = network.made;
      network.made = await run(second, network.latent, shape);
    }
    picture(network.seen, card.querySelector(".seen"));
    picture(network.made, card.querySelector(".made"));
    network.place?.();
  };
}

function addPlane(network, dataset) {
  const { latent_shape: shape, plane, sessions: [, decoder] } = network;
  const { origin, directions, limits, points } = plane;
  const size = origin.length;
  const sentence = size === FEW
    ? "The code is two numbers: the place on the plane."
    : `The code is ${size} numbers. The plane shows the two directions in which codes differ most; all others have their mean.`;
  const card = addCard("code", { ...network, sentence });
  byId("planes").append(card);
  byId("codes").hidden = false;
  card.querySelector(".near").hidden = !dataset;
  const axes = limits.map(([low, high]) => ({ low, high }));
  const dots = { points, classes: [], colours: [], ...dataset };
  const move = (point) => {
    network.point = point;
    work(network.decode);
  };
  const paint = latentPlane(card.querySelector(".plane"), axes, dots, move);
  if (dataset?.class_names.length > 1) card.querySelector(".plane").append(legend(dataset));
  network.place = () => {
    const centred = origin.map((value, i) => network.latent[i] - value);
    const along = (direction) => direction.reduce((sum, value, i) => sum + value * centred[i], 0);
    network.code = directions.map(along);
    move(network.code);
  };
  network.decode = async () => {
    const [x, y] = network.point;
    paint(network.point, network.code);
    const latent = origin.map((value, i) => value + x * directions[0][i] + y * directions[1][i]);
    network.decoded = await run(decoder, latent, shape);
    picture(network.decoded, card.querySelector(".decoded"));
    if (!dataset) return;
    const distances = points.map(([right, up]) => Math.hypot(right - x, up - y));
    const nearest = distances.indexOf(Math.min(...distances));
    picture(dataset.image(nearest), card.querySelector(".nearest"));
    card.querySelector(".near figcaption").textContent =
      `nearest test image: ${dataset.class_names[dataset.classes[nearest]]}`;
  };
}

start().catch(showError);
