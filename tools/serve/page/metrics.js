// Prometheus' text format, as far as this server writes it.

/** [{name, labels, value}] */
export function parseMetrics(text) {
  return text.split("\n").filter((line) => line !== "" && line[0] !== "#").map((line) => {
    const space = line.lastIndexOf(" "), brace = line.indexOf("{");
    const labels = {};
    if (brace >= 0)
      for (const [, key, value] of line.slice(brace + 1, line.lastIndexOf("}")).matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g))
        labels[key] = value.replace(/\\(.)/g, "$1");
    return { name: line.slice(0, brace >= 0 ? brace : space), labels, value: Number(line.slice(space + 1)) };
  });
}

/** The sum over all samples of a name whose labels are those given. */
export function total(samples, name, labels = {}) {
  return samples.filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, one) => sum + one.value, 0);
}

/** The values that a label has, in order. */
export function labelValues(samples, name, label) {
  return [...new Set(samples.filter((one) => one.name === name).map((one) => one.labels[label]))].sort();
}
