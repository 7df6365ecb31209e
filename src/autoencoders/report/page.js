// The interactive parts of the page: sorting, filtering, comparison of two variants, latent planes.
// This script creates every control, so a browser without scripts shows no dead controls. All data
// is in the page, because a page that is opened from the file system cannot fetch files.

const SVG = "http://www.w3.org/2000/svg";
const PLANE = 1000; // SVG units of each side of a latent plane
const IMAGE_SIZE = 112; // approximate screen pixels of the longer side of a decoded image
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Sets attributes of `element`, appends children (nodes or text) and returns it. */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

const screenReaderText = (text) => html("span", { class: "hidden" }, text);

// Tables: sorted, filtered

/** Returns one group of rows per network: its row, then the rows of its yardsticks. */
function groupsOf(table) {
  const groups = [];
  for (const row of table.tBodies[0].rows) {
    if (row.classList.contains("network")) groups.push([row]);
    else groups.at(-1).push(row);
  }
  return groups;
}

const nameOf = ([network]) => network.cells[0].textContent;

/** Returns the sort key of a group: its name, its number in the column, or undefined. */
function keyOf(group, column) {
  const { value } = group[0].cells[column].dataset;
  if (column === 0) return nameOf(group);
  return value === undefined ? undefined : Number(value);
}

/** Returns the groups sorted by a column; groups without a value are last in both directions. */
function sorted(groups, column, direction) {
  const withValue = groups.filter((group) => keyOf(group, column) !== undefined);
  const sign = direction === "ascending" ? 1 : -1;
  withValue.sort((one, other) => {
    const [a, b] = [keyOf(one, column), keyOf(other, column)];
    return sign * (column === 0 ? a.localeCompare(b) : a - b);
  });
  return [...withValue, ...groups.filter((group) => !withValue.includes(group))];
}

/** Makes headers sort the table: first ascending, then descending, then the original order. */
function makeSortable(table, report) {
  const groups = groupsOf(table);
  const headers = [...table.tHead.rows[0].cells];
  const next = { ascending: "descending", descending: "none" };
  headers.forEach((header, column) => {
    const label = header.firstChild.textContent.trim();
    const button = html("button", { type: "button" }, ...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const direction = next[header.getAttribute("aria-sort")] ?? "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction !== "none") header.setAttribute("aria-sort", direction);
      const order = direction === "none" ? groups : sorted(groups, column, direction);
      table.tBodies[0].append(...order.flat());
      report(direction === "none" ? "original order" : `sorted by ${label}, ${direction}`);
    });
  });
}

/** Returns a text field that hides the networks whose name does not contain its text. */
function networkFilter(tables, report) {
  const field = html("input", { type: "search", size: 12, autocomplete: "off", spellcheck: false });
  field.addEventListener("input", () => {
    const text = field.value.trim();
    const matches = new Set();
    for (const group of tables.flatMap(groupsOf)) {
      const isMatch = nameOf(group).toLowerCase().includes(text.toLowerCase());
      if (isMatch) matches.add(nameOf(group));
      for (const row of group) row.hidden = !isMatch;
    }
    report(text ? `networks with “${text}” in the name: ${matches.size}` : "");
  });
  return html("label", {}, "filter by name ", field);
}

function yardstickSwitch(section) {
  const box = html("input", { type: "checkbox", checked: "" });
  const update = () => section.classList.toggle("without-yardsticks", !box.checked);
  box.addEventListener("change", update);
  return html("label", {}, box, " show yardsticks");
}

// Comparison of two variants

/** Returns the index of the better value: 0 or 1, or -1 if neither is better. */
function betterOf([one, other], direction) {
  if (!direction || !(one < other || one > other)) return -1;
  return one < other === (direction === "lower") ? 0 : 1;
}

function metricCell(cell, isBetter) {
  const text = [...cell.childNodes].find((node) => node.nodeType === Node.TEXT_NODE).data;
  if (!isBetter) return html("td", {}, text);
  const star = html("span", { "aria-hidden": "true" }, "★\u00a0");
  return html("td", { class: "best" }, star, text, screenReaderText(" better"));
}

/** Returns the paired differences of two variants over several seeds, or undefined. */
function differencesOf(section, [one, other]) {
  const data = section.querySelector(":scope > script");
  const all = data ? JSON.parse(data.textContent) : {};
  if (all[one]?.[other]) return all[one][other];
  const reversed = all[other]?.[one];
  if (reversed === undefined) return undefined;
  const negative = (text) => text.replace(/^[+−]/, (sign) => (sign === "+" ? "−" : "+"));
  const negated = ([key, [text, containsZero]]) => [key, [negative(text), containsZero]];
  const metrics = Object.fromEntries(Object.entries(reversed.metrics).map(negated));
  return { ...reversed, metrics };
}

function differenceHead({ n, outdated }, [one, other]) {
  const date = outdated ? [html("span", { class: "badge outdated" }, "out of date")] : [];
  const unit = html("span", {}, `paired over ${n} seeds, 95 % interval`);
  return html("th", { scope: "col" }, `${one} − ${other}`, unit, ...date);
}

function differenceCell(difference) {
  if (difference === undefined) return html("td", {}, "–");
  const [text, containsZero] = difference;
  return html("td", {}, `${text} `, html("small", {}, containsZero ? "contains 0" : "excludes 0"));
}

/** Returns a list with the row of a metric, or an empty list if neither variant has it. */
function metricRow(header, cells, differences) {
  const values = cells.map((cell) => Number(cell.dataset.value ?? NaN));
  if (values.every(Number.isNaN)) return [];
  const better = betterOf(values, header.dataset.better);
  const label = [...header.firstElementChild.childNodes].map((node) => node.cloneNode(true));
  const marked = cells.map((cell, i) => metricCell(cell, i === better));
  const head = html("th", { scope: "row" }, ...label);
  const row = html("tr", { class: "network" }, head, ...marked);
  if (differences) row.append(differenceCell(differences.metrics[header.dataset.metric]));
  return [row];
}

function metricRows(table, names, differences) {
  const rows = names.map((name) => groupsOf(table).find((group) => nameOf(group) === name)[0]);
  const headers = [...table.tHead.rows[0].cells];
  return headers.flatMap((header, i) =>
    i === 0 ? [] : metricRow(header, rows.map((row) => row.cells[i]), differences),
  );
}

function comparisonTable(section, tables, names) {
  const differences = differencesOf(section, names);
  const heads = ["metric", ...names].map((name) => html("th", { scope: "col" }, name));
  if (differences) heads.push(differenceHead(differences, names));
  const rows = tables.flatMap((table) => metricRows(table, names, differences));
  const body = html("tbody", {}, ...rows);
  return html("table", {}, html("thead", {}, html("tr", {}, ...heads)), body);
}

/** Returns a map from caption to figure of a variant. */
function figuresOf(section, name) {
  const figures = section.querySelectorAll(`[data-variant="${CSS.escape(name)}"] .figures figure`);
  const entries = [...figures].map((figure) => [figure.lastElementChild.textContent, figure]);
  return new Map(entries);
}

/** Returns the figures of two variants in pairs, with one heading for each pair. */
function figurePairs(section, names) {
  const figuresByVariant = names.map((name) => figuresOf(section, name));
  const captions = new Set(figuresByVariant.flatMap((figures) => [...figures.keys()]));
  return [...captions].flatMap((caption) => {
    const pair = figuresByVariant.map((figures, i) => {
      const picture = figures.get(caption)?.firstElementChild.cloneNode(true) ?? "no such figure";
      return html("figure", {}, html("figcaption", {}, names[i]), picture);
    });
    return [html("h4", {}, caption), html("div", { class: "figures" }, ...pair)];
  });
}

function comparisonContent(section, tables, names) {
  const label = names.join(", ");
  const attributes = { class: "scroll", tabindex: 0, role: "region", "aria-label": label };
  const metrics = html("div", attributes, comparisonTable(section, tables, names));
  return [metrics, ...figurePairs(section, names)];
}

function variantChoice(names, label) {
  const options = ["–", ...names].map((name) => html("option", {}, name));
  return html("select", { "aria-label": label }, ...options);
}

/** Disables the variant that is selected in the other list. */
function disableVariant(choice, variant) {
  [...choice.options].forEach((option, i) => (option.disabled = i > 0 && i - 1 === variant));
}

/** Returns two lists of variants, and the panel that compares the two selected ones. */
function comparison(section, tables, report) {
  const names = groupsOf(tables[0]).map(nameOf);
  const choices = ["first variant", "second variant"].map((label) => variantChoice(names, label));
  const panel = html("div", { class: "pair", hidden: "" });
  const show = () => {
    const selected = choices.map((choice) => choice.selectedIndex - 1);
    choices.forEach((choice, i) => disableVariant(choice, selected[1 - i]));
    panel.hidden = selected.includes(-1);
    const pair = selected.map((index) => names[index]);
    panel.replaceChildren(...(panel.hidden ? [] : comparisonContent(section, tables, pair)));
    report(panel.hidden ? "" : `${pair[0]} and ${pair[1]} are compared above the tables`);
  };
  choices.forEach((choice) => choice.addEventListener("change", show));
  return [html("span", {}, "compare ", choices[0], " ", choices[1]), panel];
}

/** Inserts the controls of a dataset's tables above the tables. */
function addControls(section) {
  const tables = [...section.querySelectorAll("table:not(.seeds)")];
  const status = html("output");
  const report = (text) => status.replaceChildren(text);
  tables.forEach((table) => makeSortable(table, report));
  const [choices, panel] = comparison(section, tables, report);
  const parts = [networkFilter(tables, report), yardstickSwitch(section), choices, status];
  const controls = html("div", { class: "controls" }, ...parts);
  section.querySelector("h3").before(controls, panel);
}

// Interactive latent planes

const clampIndex = (number, end) => Math.min(Math.max(number, 0), end - 1);
const twoDecimals = (value) => (Math.round(value * 100) / 100 + 0).toFixed(2).replace("-", "−");

/** Returns an element that shows one image of a sheet, and the function that selects the image. */
function sheetWindow(sheet, [width, height], label) {
  const scale = Math.max(1, Math.round(IMAGE_SIZE / Math.max(width, height)));
  const image = html("img", { src: sheet.path, alt: label, loading: "lazy", hidden: "" });
  const frame = html("div", { class: "window" }, image);
  Object.assign(frame.style, { width: `${width * scale}px`, aspectRatio: `${width} / ${height}` });
  Object.assign(image.style, { width: `${sheet.columns * 100}%`, height: `${sheet.rows * 100}%` });
  const caption = html("p", { "aria-live": "polite" });
  const show = (column, row, text) => {
    image.hidden = false;
    Object.assign(image.style, { left: `${-column * 100}%`, top: `${-row * 100}%` });
    caption.replaceChildren(text);
  };
  return [html("div", {}, html("strong", {}, label), frame, caption), show];
}

/** Returns the SVG of a plane, and the functions that move its crosshair and mark a point. */
function drawPlane(plane) {
  const [width, height] = [PLANE / plane.decoded.columns, PLANE / plane.decoded.rows];
  const dots = plane.points.map(([x, y, kind]) =>
    svg("circle", { cx: x * PLANE, cy: y * PLANE, r: 8, fill: plane.colours[kind] }),
  );
  const across = svg("line", { x1: 0, x2: PLANE });
  const down = svg("line", { y1: 0, y2: PLANE });
  const cell = svg("rect", { width, height });
  const ring = svg("circle", { r: 16, class: "ring", visibility: "hidden" });
  const cross = svg("g", { class: "cross" }, across, down, cell);
  const drawing = svg("svg", { viewBox: `0 0 ${PLANE} ${PLANE}`, tabindex: 0 }, ...dots);
  drawing.append(cross, ring);
  const aim = (column, row) => {
    fill(across, { y1: (row + 0.5) * height, y2: (row + 0.5) * height }, []);
    fill(down, { x1: (column + 0.5) * width, x2: (column + 0.5) * width }, []);
    fill(cell, { x: column * width, y: row * height }, []);
  };
  const mark = ([x, y]) =>
    fill(ring, { cx: x * PLANE, cy: y * PLANE, visibility: "visible" }, []);
  return [drawing, aim, mark];
}

function classLegend(legend) {
  const entries = legend.map(([name, colour]) => {
    const dot = html("span", { class: "dot", style: `background: ${colour}` });
    return html("li", {}, dot, name);
  });
  return html("ul", { class: "classes" }, ...entries);
}

/** Returns the latent at a place, which is in fractions of the plane, from the top left corner. */
function latentText(plane, [x, y]) {
  const z1 = plane.z1[0] + x * (plane.z1[1] - plane.z1[0]);
  const z2 = plane.z2[1] - y * (plane.z2[1] - plane.z2[0]);
  return `z₁ ${twoDecimals(z1)}, z₂ ${twoDecimals(z2)}`;
}

function nearestPoint(points, [x, y]) {
  const distance = (point) => Math.hypot(point[0] - x, point[1] - y);
  return points.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}

function helpFor(plane) {
  const range = ([low, high]) => `${twoDecimals(low)} to ${twoDecimals(high)}`;
  return (
    "Each point is the latent of a test image. " +
    "Move the pointer over the plane, or press the arrow keys, to decode a latent. " +
    "Click, tap or press Enter to show the nearest test image. " +
    `Horizontal axis: z₁ from ${range(plane.z1)}. Vertical axis: z₂ from ${range(plane.z2)}.`
  );
}

/** Calls `move` with the cell under the pointer, and `select` with a place that is clicked. */
function listen(drawing, [columns, rows], move, select) {
  let cell = [Math.floor(columns / 2), Math.floor(rows / 2)];
  const middle = () => [(cell[0] + 0.5) / columns, (cell[1] + 0.5) / rows];
  const goTo = (column, row) => {
    cell = [clampIndex(column, columns), clampIndex(row, rows)];
    move(cell, middle());
  };
  const placeOf = (event) => {
    const box = drawing.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const follow = (event) => {
    const [x, y] = placeOf(event);
    goTo(Math.floor(x * columns), Math.floor(y * rows));
  };
  drawing.addEventListener("pointerdown", follow);
  drawing.addEventListener("pointermove", follow);
  drawing.addEventListener("click", (event) => select(placeOf(event)));
  drawing.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) goTo(cell[0] + step[0], cell[1] + step[1]);
    else if (event.key === "Enter" || event.key === " ") select(middle());
    else return;
    event.preventDefault();
  });
  goTo(...cell);
}

/** Returns a figure: the plane, the image decoded at the pointer, and the nearest test image. */
function interactivePlane(plane, title) {
  const { decoded, originals, size, classes } = plane;
  const help = helpFor(plane);
  const [drawing, aim, mark] = drawPlane(plane);
  const [decodedWindow, showDecoded] = sheetWindow(decoded, size, "decoded image");
  const [nearestWindow, showNearest] = sheetWindow(originals, size, "nearest test image");
  const move = (cell, place) => {
    aim(...cell);
    showDecoded(...cell, latentText(plane, place));
  };
  const select = (place) => {
    const point = nearestPoint(plane.points, place);
    const [, , kind, number] = point;
    mark(point);
    const row = Math.floor(number / originals.columns);
    const className = classes.length > 1 ? `class ${classes[kind]}` : "";
    showNearest(number % originals.columns, row, className);
  };
  listen(drawing, [decoded.columns, decoded.rows], move, select);
  const label = `${title}: latent plane`;
  fill(drawing, { role: "application", "aria-label": label, "aria-description": help }, []);
  const views = [decodedWindow, nearestWindow, classLegend(plane.legend)];
  const side = html("div", { class: "views" }, ...views);
  return html("figure", { class: "plane" }, drawing, side, html("figcaption", {}, help));
}

document.querySelectorAll("section[data-dataset]:has(table)").forEach(addControls);
for (const data of document.querySelectorAll('[data-variant] > script[type="application/json"]')) {
  const title = data.closest("section").querySelector("h3").textContent;
  data.after(interactivePlane(JSON.parse(data.textContent), title));
}
