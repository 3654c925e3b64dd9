// Lines over builds: a sparkline for the list, the size history with its limits for one image.

import {el, svg} from './dom.js';
import {bytes, delta} from './format.js';

/** sizes: the oldest first. */
export function sparkline(sizes) {
  const [width, height, gap] = [96, 24, 3];
  const low = Math.min(...sizes);
  const high = Math.max(...sizes);
  const x = (i) => gap + (i * (width - 2 * gap)) / (sizes.length - 1);
  const y = (size) =>
    high === low ? height / 2 : height - gap - ((size - low) * (height - 2 * gap)) / (high - low);
  const label = `${bytes(sizes[0])} to ${bytes(sizes.at(-1))} in ${sizes.length} builds`;
  return svg(
    'svg',
    {class: 'sparkline', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': label},
    svg('polyline', {points: sizes.map((size, i) => `${x(i)},${y(size)}`).join(' ')}),
    svg('circle', {cx: x(sizes.length - 1), cy: y(sizes.at(-1)), r: 2.5}),
  );
}

const WIDTH = 640;
const HEIGHT = 240;
const BOX = {left: 70, right: 104, top: 16, bottom: 28};

/** The lines that sizes are measured by: [{name, value, kind}]. */
export function limitLines({baseline, limits}) {
  const lines = [];
  if (baseline?.sizeBytes) lines.push({name: 'baseline', value: baseline.sizeBytes, kind: 'base'});
  if (limits?.size) lines.push({name: 'budget', value: limits.size, kind: 'budget'});
  if (limits?.growth)
    lines.push({name: `budget +${limits.growthPercent}%`, value: limits.growth, kind: 'budget'});
  return lines;
}

/** 0, and the "round" steps (1, 2, 5 × a power of 2¹⁰) up to `high`. */
function ticks(high) {
  const unit = 1024 ** Math.floor(Math.log(Math.max(high, 1)) / Math.log(1024));
  const raw = high / unit / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) * unit;
  return Array.from({length: Math.floor(high / step) + 1}, (_, i) => i * step);
}

/** Labels at the right end, moved apart so that none covers another. */
function spread(labels) {
  const sorted = [...labels].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i += 1)
    sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + 14);
  return sorted;
}

/** history as in the status, the newest first. */
export function historyChart(build) {
  const entries = [...(build.history ?? [])].reverse();
  const lines = limitLines(build);
  const sized = entries.map((entry, i) => ({...entry, i})).filter((entry) => entry.sizeBytes > 0);
  if (sized.length === 0) return el('p', {class: 'muted'}, 'No image was accepted yet.');

  const high = 1.05 * Math.max(...sized.map((e) => e.sizeBytes), ...lines.map((l) => l.value));
  const right = WIDTH - BOX.right;
  const bottom = HEIGHT - BOX.bottom;
  const x = (i) =>
    entries.length === 1
      ? (BOX.left + right) / 2
      : BOX.left + 8 + (i * (right - BOX.left - 16)) / (entries.length - 1);
  const y = (value) => bottom - (value * (bottom - BOX.top)) / high;

  const grid = ticks(high).map((value) => [
    svg('line', {class: 'grid', x1: BOX.left, x2: right, y1: y(value), y2: y(value)}),
    svg('text', {class: 'tick', x: BOX.left - 8, y: y(value) + 4, 'text-anchor': 'end'},
      bytes(value)),
  ]);
  const limitMarks = lines.map(({value, kind}) =>
    svg('line', {class: `limit ${kind}`, x1: BOX.left, x2: right, y1: y(value), y2: y(value)}));
  const labels = spread(lines.map(({name, value}) => ({name, y: y(value) + 4}))).map((label) =>
    svg('text', {class: 'tick', x: right + 6, y: label.y}, label.name));
  const points = sized.map((entry) =>
    svg('circle', {cx: x(entry.i), cy: y(entry.sizeBytes), r: 4},
      svg('title', {}, `build ${entry.number}: ${bytes(entry.sizeBytes)}`)));
  const failures = entries.flatMap((entry, i) =>
    entry.result === 'Success' ? [] : [
      svg('path', {class: 'failure', d: `M${x(i) - 4} ${bottom - 4}l8 -8m0 8l-8 -8`},
        svg('title', {}, `build ${entry.number}: ${entry.result}`)),
    ]);
  const numbers = entries.map((entry, i) =>
    svg('text', {class: 'tick', x: x(i), y: HEIGHT - 8, 'text-anchor': 'middle'},
      `#${entry.number}`));
  const own = sized.filter((entry) => entry.ownSizeBytes > 0);
  const line = (name, list, value) =>
    svg('polyline', {class: `series ${name}`,
      points: list.map((entry) => `${x(entry.i)},${y(value(entry))}`).join(' ')});

  const first = sized[0].sizeBytes;
  const last = sized.at(-1).sizeBytes;
  return el(
    'div',
    {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Size history chart'},
    svg(
      'svg',
      {class: 'chart', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img',
        'aria-label': `Size of the last ${entries.length} builds: from ${bytes(first)} to ` +
          `${bytes(last)} (${delta(last - first)}). The table below has the figures.`},
      grid, limitMarks, line('own', own, (entry) => entry.ownSizeBytes),
      line('size', sized, (entry) => entry.sizeBytes), points, failures, numbers, labels,
    ),
  );
}
