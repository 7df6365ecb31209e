// A plane of latent vectors with the codes of images. `page` and `serve` use it.

const STEP = 1 / 40; // share of an axis that one press of an arrow key moves
const bounded = (value, { low, high }) => Math.min(high, Math.max(low, value));

/**
 * Add a plane to `container`. `axes` are the bounds `{low, high}` of both dimensions; `points` are
 * coloured by `classes`. `onMove([x, y])` receives the place of the mouse, a finger or arrow keys.
 * Return a function that paints the plane with a circle at a point and, if given, a dot at a code.
 */
export function latentPlane(container, axes, { points, classes, colours }, onMove) {
  const canvas = document.createElement("canvas");
  const [across, up] = axes;
  let [point, code] = [axes.map(({ low, high }) => (low + high) / 2)];
  canvas.tabIndex = 0;
  canvas.className = "latent-plane";
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Latent plane: the arrow keys move the point");
  container.append(canvas);
  const move = (x, y) => onMove([bounded(x, across), bounded(y, up)]);
  for (const kind of ["pointermove", "pointerdown"]) {
    canvas.addEventListener(kind, (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const [right, down] = [(event.clientX - left) / width, (event.clientY - top) / height];
      move(across.low + right * (across.high - across.low), up.high - down * (up.high - up.low));
    });
  }
  canvas.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!steps[event.key]) return;
    event.preventDefault();
    const [x, y] = steps[event.key].map((sign) => sign * STEP);
    move(point[0] + x * (across.high - across.low), point[1] + y * (up.high - up.low));
  });

  const paint = () => {
    const [ratio, side] = [window.devicePixelRatio, canvas.clientWidth];
    canvas.width = canvas.height = side * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const circle = ([x, y], radius) => {
      const right = ((x - across.low) / (across.high - across.low)) * side;
      const down = ((up.high - y) / (up.high - up.low)) * side;
      pen.beginPath();
      pen.arc(right, down, radius, 0, 7);
    };
    pen.globalAlpha = 0.6;
    points.forEach((at, index) => {
      pen.fillStyle = colours[classes[index]];
      circle(at, 2);
      pen.fill();
    });
    pen.globalAlpha = 1;
    for (const [colour, width] of [["#ffffff", 5], ["#000000", 2]]) {
      Object.assign(pen, { strokeStyle: colour, fillStyle: colour, lineWidth: width });
      circle(point, 8);
      pen.stroke();
      if (!code) continue;
      circle(code, 2 + width / 2);
      pen.fill();
    }
  };
  new ResizeObserver(paint).observe(canvas);
  return (newPoint, newCode) => {
    [point, code] = [newPoint, newCode];
    paint();
  };
}

/** Return a list of the classes with their colours. */
export function legend({ class_names: names, colours }) {
  const list = document.createElement("ul");
  list.className = "classes";
  names.forEach((name, index) => {
    const item = document.createElement("li");
    item.textContent = name;
    item.style.setProperty("--dot", colours[index]);
    list.append(item);
  });
  return list;
}
