/** Line charts as SVG, drawn without a library: a report must open anywhere, also in twenty years. */

export interface Series {
  readonly name: string;
  /** x, y. Rising in x. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Latencies span decades. */
  readonly yScale: 'linear' | 'log';
  readonly series: readonly Series[];
}

const width = 900;
const height = 420;
const margin = { left: 70, right: 150, top: 40, bottom: 50 };
const colours = ['#1b6ca8', '#d1495b', '#3a7d44', '#edae49', '#6a4c93', '#444444'];

export function drawChart({ title, xLabel, yLabel, yScale, series }: Chart): string {
  const points = series.flatMap((line) => line.points);
  const x = linearScale(0, Math.max(1, ...points.map(([at]) => at)), margin.left, width - margin.right);
  const values = points.map(([, value]) => value);
  const [bottom, top] = [height - margin.bottom, margin.top];
  const y = yScale === 'log' ? logScale(values, bottom, top) : linearScale(0, Math.max(1, ...values), bottom, top);
  const lines = series.map(({ name, points: line }, index) => {
    const colour = colours[index % colours.length];
    const path = line.map(([at, value]) => `${x.place(at).toFixed(1)},${y.place(value).toFixed(1)}`).join(' ');
    const legendY = margin.top + 18 * index;
    return (
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>` +
      `<text x="${width - margin.right + 12}" y="${legendY + 4}" fill="${colour}">${escaped(name)}</text>`
    );
  });
  const xTicks = x.ticks.map(
    (tick) =>
      `<text x="${x.place(tick).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${tick.toLocaleString('en')}</text>`,
  );
  const yTicks = y.ticks.map((tick) => {
    const at = y.place(tick).toFixed(1);
    return (
      `<line x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}" stroke="#dddddd"/>` +
      `<text x="${margin.left - 8}" y="${at}" dy="4" text-anchor="end">${tick.toLocaleString('en')}</text>`
    );
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="${margin.left}" y="22" font-size="15">${escaped(title)}</text>`,
    ...yTicks,
    ...xTicks,
    ...lines,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 10}" text-anchor="middle">${escaped(xLabel)}</text>`,
    `<text transform="translate(16 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function linearScale(least: number, most: number, from: number, to: number): Scale {
  const rough = (most - least) / 6;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 5].find((factor) => factor * magnitude >= rough) ?? 10);
  const ticks = Array.from({ length: Math.floor((most - least) / step) + 1 }, (_, i) => least + i * step);
  return { ticks, place: (value) => from + ((value - least) / (most - least)) * (to - from) };
}

function logScale(values: readonly number[], from: number, to: number): Scale {
  const positive = values.filter((value) => value > 0);
  const least = Math.floor(Math.log10(Math.min(1, ...positive)));
  const most = Math.ceil(Math.log10(Math.max(10, ...positive)));
  const ticks = Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
  const place = (value: number) =>
    from + ((Math.max(least, Math.log10(Math.max(value, 10 ** least))) - least) / (most - least)) * (to - from);
  return { ticks, place };
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
