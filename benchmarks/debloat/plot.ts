/** Small charts over time as SVG, one below the other. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Single points rather than a line. */
  readonly dots?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

const WIDTH = 900;
const HEIGHT = 240;
const LEFT = 80;
const RIGHT = 20;
const TOP = 40;
const BOTTOM = 30;
const COLOURS = ["#1668a8", "#c8501e", "#3a8a3a", "#7a4fa0"];
const GRID = "#dddddd";

/** An SVG document; x is time in ms, shown in seconds, y begins at 0. */
export function svg(panels: readonly Panel[]): string {
  const height = panels.length * HEIGHT;
  const parts = panels.map((panel, i) => `<g transform="translate(0 ${i * HEIGHT})">${drawn(panel)}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif"
 font-size="12"><rect width="100%" height="100%" fill="white"/>
${parts.join("\n")}
</svg>
`;
}

function drawn({ title, unit, series }: Panel): string {
  const all = series.flatMap(({ points }) => points);
  const xMax = Math.max(1, ...all.map(([x]) => x));
  const yMax = Math.max(1, ...all.map(([, y]) => y)) * 1.05;
  const x = (value: number) => (LEFT + (value / xMax) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number) => (HEIGHT - BOTTOM - (value / yMax) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const rows = ticks(yMax).map(
    (value) =>
      `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="${GRID}"/>` +
      `<text x="${LEFT - 6}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${value}</text>`,
  );
  const columns = ticks(xMax / 1000).map(
    (seconds) => `<text x="${x(seconds * 1000)}" y="${HEIGHT - 10}" text-anchor="middle">${seconds} s</text>`,
  );
  const lines = series.map(({ points, dots }, i) => {
    const colour = COLOURS[i % COLOURS.length];
    if (dots === true) {
      return points
        .map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colour}"/>`)
        .join("");
    }
    const path = points.map(([px, py], at) => `${at === 0 ? "M" : "L"}${x(px)} ${y(py)}`).join("");
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  });
  const names = series.map(({ name }, i) => {
    const place = `x="${WIDTH - RIGHT}" y="${16 + i * 14}" text-anchor="end"`;
    return `<text ${place} fill="${COLOURS[i % COLOURS.length]}">${escaped(name)}</text>`;
  });
  const heading = `<text x="${LEFT}" y="20" font-weight="bold">${escaped(`${title}, ${unit}`)}</text>`;
  return [heading, ...rows, ...columns, ...lines, ...names].join("\n");
}

/** About five round numbers up to `max`. */
function ticks(max: number): number[] {
  const rough = max / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough)!;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
