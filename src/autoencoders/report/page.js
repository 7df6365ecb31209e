// What the page can do beside being read. Whatever is pressed or filled in is made here, so that
// without scripts nothing dead is shown; all data stands in the page, as a page that is opened from
// the file system can fetch nothing.

const SVG = "http://www.w3.org/2000/svg";
const PLANE = 1000; // units of a plane's sides
const SHOWN = 112; // pixels of the screen that a decoded image takes, about
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Returns `element` with attributes and children: nodes or text. */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const make = (tag, attributes = {}, ...children) =>
  filled(document.createElement(tag), attributes, children);

const shape = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

const hidden = (text) => make("span", { class: "hidden" }, text);

// Tables: sorted, filtered

/** Returns a table's networks in their order, each as its row and those of its yardsticks. */
function groupsOf(table) {
  const groups = [];
  for (const row of table.tBodies[0].rows) {
    if (row.classList.contains("network")) groups.push([row]);
    else groups.at(-1).push(row);
  }
  return groups;
}

const nameOf = ([network]) => network.cells[0].textContent;

/** Returns what a group is sorted by: a name, a number, or undefined where there is none. */
function keyOf(group, column) {
  const { value } = group[0].cells[column].dataset;
  if (column === 0) return nameOf(group);
  return value === undefined ? undefined : Number(value);
}

/** Returns groups in order of a column, those without a value last whatever the direction. */
function sorted(groups, column, direction) {
  const known = groups.filter((group) => keyOf(group, column) !== undefined);
  const sign = direction === "ascending" ? 1 : -1;
  known.sort((one, other) => {
    const [a, b] = [keyOf(one, column), keyOf(other, column)];
    return sign * (column === 0 ? a.localeCompare(b) : a - b);
  });
  return [...known, ...groups.filter((group) => !known.includes(group))];
}

/** Makes the headers of a table sort it: up, down, and with the third press as it was. */
function makeSortable(table, say) {
  const groups = groupsOf(table);
  const headers = [...table.tHead.rows[0].cells];
  const next = { ascending: "descending", descending: "none" };
  headers.forEach((header, column) => {
    const label = header.firstChild.textContent.trim();
    const button = make("button", { type: "button" }, ...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const direction = next[header.getAttribute("aria-sort")] ?? "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction !== "none") header.setAttribute("aria-sort", direction);
      const order = direction === "none" ? groups : sorted(groups, column, direction);
      table.tBodies[0].append(...order.flat());
      say(direction === "none" ? "in the report's order" : `by ${label}, ${direction}`);
    });
  });
}

/** Returns a field that leaves in the tables those networks whose name contains what it holds. */
function networkFilter(tables, say) {
  const field = make("input", { type: "search", size: 12, autocomplete: "off", spellcheck: false });
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    const kept = new Set();
    for (const group of tables.flatMap(groupsOf)) {
      const stays = nameOf(group).toLowerCase().includes(wanted);
      if (stays) kept.add(nameOf(group));
      for (const row of group) row.hidden = !stays;
    }
    say(wanted ? `${kept.size} named like “${field.value.trim()}”` : "");
  });
  return make("label", {}, "networks named ", field);
}

function yardstickSwitch(section) {
  const box = make("input", { type: "checkbox", checked: "" });
  box.addEventListener("change", () => section.classList.toggle("bare", !box.checked));
  return make("label", {}, box, " yardsticks");
}

// Two variants side by side

/** Returns which of two values is the better: 0, 1, or -1 where there is no telling. */
function betterOf([one, other], direction) {
  if (!direction || !(one < other || one > other)) return -1;
  return one < other === (direction === "lower") ? 0 : 1;
}

function metricCell(cell, isBetter) {
  const text = [...cell.childNodes].find((node) => node.nodeType === Node.TEXT_NODE).data;
  if (!isBetter) return make("td", {}, text);
  const star = make("span", { "aria-hidden": "true" }, "★\u00a0");
  return make("td", { class: "best" }, star, text, hidden(" better"));
}

/** Returns the row of a metric, in a list that is empty where neither variant has it. */
function metricRow(header, cells) {
  const values = cells.map((cell) => Number(cell.dataset.value ?? NaN));
  if (values.every(Number.isNaN)) return [];
  const better = betterOf(values, header.dataset.better);
  const label = [...header.firstElementChild.childNodes].map((node) => node.cloneNode(true));
  const marked = cells.map((cell, i) => metricCell(cell, i === better));
  return [make("tr", { class: "network" }, make("th", { scope: "row" }, ...label), ...marked)];
}

function metricRows(table, names) {
  const rows = names.map((name) => groupsOf(table).find((group) => nameOf(group) === name)[0]);
  const headers = [...table.tHead.rows[0].cells];
  return headers.flatMap((header, i) =>
    i === 0 ? [] : metricRow(header, rows.map((row) => row.cells[i])),
  );
}

function metricsOfTwo(tables, names) {
  const heads = ["metric", ...names].map((name) => make("th", { scope: "col" }, name));
  const body = make("tbody", {}, ...tables.flatMap((table) => metricRows(table, names)));
  return make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
}

/** Returns a variant's figures by their captions. */
function figuresOf(section, name) {
  const figures = section.querySelectorAll(`[data-variant="${CSS.escape(name)}"] .figures figure`);
  const captioned = [...figures].map((figure) => [figure.lastElementChild.textContent, figure]);
  return new Map(captioned);
}

/** Returns the figures of two variants in pairs, one caption over both. */
function figuresOfTwo(section, names) {
  const drawn = names.map((name) => figuresOf(section, name));
  const captions = new Set(drawn.flatMap((figures) => [...figures.keys()]));
  return [...captions].flatMap((caption) => {
    const pair = drawn.map((figures, i) => {
      const picture = figures.get(caption)?.firstElementChild.cloneNode(true);
      return make("figure", {}, make("figcaption", {}, names[i]), picture ?? "no such figure");
    });
    return [make("h4", {}, caption), make("div", { class: "figures" }, ...pair)];
  });
}

function contentOfTwo(section, tables, names) {
  const label = names.join(", ");
  const reachable = { class: "scroll", tabindex: 0, role: "region", "aria-label": label };
  const metrics = make("div", reachable, metricsOfTwo(tables, names));
  return [metrics, ...figuresOfTwo(section, names)];
}

function variantChoice(names, label) {
  const options = ["–", ...names].map((name) => make("option", {}, name));
  return make("select", { "aria-label": label }, ...options);
}

/** Lets all variants be chosen but the one that the other list has. */
function offerAllBut(choice, taken) {
  [...choice.options].forEach((option, i) => (option.disabled = i > 0 && i - 1 === taken));
}

/** Returns two lists of variants, and the panel that shows those picked in them. */
function comparison(section, tables, say) {
  const names = groupsOf(tables[0]).map(nameOf);
  const choices = ["first variant", "second variant"].map((label) => variantChoice(names, label));
  const panel = make("div", { class: "pair", hidden: "" });
  const show = () => {
    const picked = choices.map((choice) => choice.selectedIndex - 1);
    choices.forEach((choice, i) => offerAllBut(choice, picked[1 - i]));
    panel.hidden = picked.includes(-1);
    const two = picked.map((index) => names[index]);
    panel.replaceChildren(...(panel.hidden ? [] : contentOfTwo(section, tables, two)));
    say(panel.hidden ? "" : `${two[0]} and ${two[1]} side by side, above the tables`);
  };
  choices.forEach((choice) => choice.addEventListener("change", show));
  return [make("span", {}, "side by side ", choices[0], " ", choices[1]), panel];
}

/** Puts the controls of a dataset's tables above them. */
function enliven(section) {
  const tables = [...section.querySelectorAll("table")];
  const said = make("output");
  const say = (text) => said.replaceChildren(text);
  tables.forEach((table) => makeSortable(table, say));
  const [choices, panel] = comparison(section, tables, say);
  const parts = [networkFilter(tables, say), yardstickSwitch(section), choices, said];
  const controls = make("div", { class: "controls" }, ...parts);
  section.querySelector("h3").before(controls, panel);
}

// Living latent planes

const clamped = (number, end) => Math.min(Math.max(number, 0), end - 1);
const written = (value) => (Math.round(value * 100) / 100 + 0).toFixed(2).replace("-", "−");

/** Returns a window on one image of a sheet, and the function that shows it another one. */
function sheetWindow(sheet, [width, height], label) {
  const scale = Math.max(1, Math.round(SHOWN / Math.max(width, height)));
  const image = make("img", { src: sheet.path, alt: label, loading: "lazy", hidden: "" });
  const frame = make("div", { class: "window" }, image);
  Object.assign(frame.style, { width: `${width * scale}px`, aspectRatio: `${width} / ${height}` });
  Object.assign(image.style, { width: `${sheet.columns * 100}%`, height: `${sheet.rows * 100}%` });
  const caption = make("p", { "aria-live": "polite" });
  const show = (column, row, text) => {
    image.hidden = false;
    Object.assign(image.style, { left: `${-column * 100}%`, top: `${-row * 100}%` });
    caption.replaceChildren(text);
  };
  return [make("div", {}, make("strong", {}, label), frame, caption), show];
}

/** Returns the drawn plane, and the functions that move its crosshair and ring its points. */
function drawnPlane(plane) {
  const [wide, high] = [PLANE / plane.decoded.columns, PLANE / plane.decoded.rows];
  const dots = plane.points.map(([x, y, kind]) =>
    shape("circle", { cx: x * PLANE, cy: y * PLANE, r: 8, fill: plane.colours[kind] }),
  );
  const across = shape("line", { x1: 0, x2: PLANE });
  const down = shape("line", { y1: 0, y2: PLANE });
  const cell = shape("rect", { width: wide, height: high });
  const ring = shape("circle", { r: 16, class: "ring", visibility: "hidden" });
  const cross = shape("g", { class: "cross" }, across, down, cell);
  const drawing = shape("svg", { viewBox: `0 0 ${PLANE} ${PLANE}`, tabindex: 0 }, ...dots);
  drawing.append(cross, ring);
  const aim = (column, row) => {
    filled(across, { y1: (row + 0.5) * high, y2: (row + 0.5) * high }, []);
    filled(down, { x1: (column + 0.5) * wide, x2: (column + 0.5) * wide }, []);
    filled(cell, { x: column * wide, y: row * high }, []);
  };
  const mark = ([x, y]) =>
    filled(ring, { cx: x * PLANE, cy: y * PLANE, visibility: "visible" }, []);
  return [drawing, aim, mark];
}

function classLegend(legend) {
  const entries = legend.map(([name, colour]) => {
    const dot = make("span", { class: "dot", style: `background: ${colour}` });
    return make("li", {}, dot, name);
  });
  return make("ul", { class: "classes" }, ...entries);
}

/** Returns the latent at shares of a plane's width and height, from the left and from the top. */
function latentAt(plane, [x, y]) {
  const z1 = plane.z1[0] + x * (plane.z1[1] - plane.z1[0]);
  const z2 = plane.z2[1] - y * (plane.z2[1] - plane.z2[0]);
  return `z₁ ${written(z1)}, z₂ ${written(z2)}`;
}

function nearestPoint(points, [x, y]) {
  const distance = (point) => Math.hypot(point[0] - x, point[1] - y);
  return points.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

function helpFor(plane) {
  const range = ([low, high]) => `${written(low)} to ${written(high)}`;
  return (
    "Move over the plane, or press arrow keys: what the decoder makes of that place. " +
    "Click, tap or press Enter: the test image that lies nearest. " +
    `To the right z₁, ${range(plane.z1)}; upwards z₂, ${range(plane.z2)}.`
  );
}

/** Calls `move` with the cell that is gone to, and `touch` with the place that is picked. */
function listen(drawing, [columns, rows], move, touch) {
  let cell = [Math.floor(columns / 2), Math.floor(rows / 2)];
  const middle = () => [(cell[0] + 0.5) / columns, (cell[1] + 0.5) / rows];
  const goTo = (column, row) => {
    cell = [clamped(column, columns), clamped(row, rows)];
    move(cell, middle());
  };
  const under = (event) => {
    const box = drawing.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const follow = (event) => {
    const [x, y] = under(event);
    goTo(Math.floor(x * columns), Math.floor(y * rows));
  };
  drawing.addEventListener("pointerdown", follow);
  drawing.addEventListener("pointermove", follow);
  drawing.addEventListener("click", (event) => touch(under(event)));
  drawing.addEventListener("keydown", (event) => {
    const way = WAYS[event.key];
    if (way) goTo(cell[0] + way[0], cell[1] + way[1]);
    else if (event.key === "Enter" || event.key === " ") touch(middle());
    else return;
    event.preventDefault();
  });
  goTo(...cell);
}

/** Returns a plane to move over: what is decoded there, and the test images that lie there. */
function livePlane(plane, title) {
  const { decoded, originals, size, classes } = plane;
  const help = helpFor(plane);
  const [drawing, aim, mark] = drawnPlane(plane);
  const [hereWindow, showHere] = sheetWindow(decoded, size, "decoded here");
  const [nearWindow, showNear] = sheetWindow(originals, size, "nearest test image");
  const move = (cell, place) => {
    aim(...cell);
    showHere(...cell, latentAt(plane, place));
  };
  const touch = (place) => {
    const point = nearestPoint(plane.points, place);
    const [, , kind, number] = point;
    mark(point);
    const row = Math.floor(number / originals.columns);
    const named = classes.length > 1 ? `of class ${classes[kind]}` : "";
    showNear(number % originals.columns, row, named);
  };
  listen(drawing, [decoded.columns, decoded.rows], move, touch);
  const label = `${title}: the latent plane`;
  filled(drawing, { role: "application", "aria-label": label, "aria-description": help }, []);
  const side = make("div", { class: "views" }, hereWindow, nearWindow, classLegend(plane.legend));
  return make("figure", { class: "plane" }, drawing, side, make("figcaption", {}, help));
}

document.querySelectorAll("section[data-dataset]:has(table)").forEach(enliven);
for (const data of document.querySelectorAll('script[type="application/json"]')) {
  const title = data.closest("section").querySelector("h3").textContent;
  data.after(livePlane(JSON.parse(data.textContent), title));
}
