// Lines over time, drawn as SVG.

const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const width = 300, height = 100;

function trace(values, most, slots, className) {
  const points = values.map((value, i) => Number.isFinite(value)
    ? `${((slots - values.length + i) / (slots - 1) * width).toFixed(1)},${(height - value / most * (height - 6)).toFixed(1)}` : "")
    .filter((point) => point !== "");
  return svg("polyline", { class: className, points: points.join(" ") });
}

/** A figure with one or two lines; series: [{name, values}], the newest value last, at most `slots` of them. */
export function plot(title, series, slots, format) {
  const figure = document.createElement("figure");
  const known = series.flatMap((one) => one.values).filter(Number.isFinite);
  const most = Math.max(...known, 1e-9) * 1.05;
  const now = series.map((one) => {
    const last = one.values.at(-1);
    return `${one.name ? `${one.name} ` : ""}${Number.isFinite(last) ? format(last) : "–"}`;
  }).join(", ");
  const caption = document.createElement("figcaption");
  caption.append(Object.assign(document.createElement("span"), { textContent: title }),
    Object.assign(document.createElement("span"), { textContent: now }));
  const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `${title}: now ${now}; at most ${known.length > 0 ? format(Math.max(...known)) : "–"}` });
  drawing.append(svg("line", { class: "base", x1: 0, x2: width, y1: height - 0.5, y2: height - 0.5 }),
    ...series.map((one, i) => trace(one.values, most, slots, i === 0 ? "trace" : "trace second")));
  figure.append(caption, drawing);
  return figure;
}
