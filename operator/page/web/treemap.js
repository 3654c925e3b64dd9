// The treemap of an image: a rectangle for each layer, and in it one for each of its largest
// paths. Areas are proportional to sizes.

import {el, svg} from './dom.js';
import {bytes} from './format.js';
import {isCompared} from './growth.js';
import {squarify} from './squarify.js';

const LETTER = 6.4;  // width of one at the map's font size

/** Sizes of paths are unpacked sizes, so they only stand in a map of those. */
export function hasUnpackedSizes(platform) {
  return (platform.layers ?? []).some((layer) => layer.uncompressedSizeBytes > 0);
}

/** [{size, layer, index, parts: [{size, name}]}], for measure "packed" or "unpacked". */
export function layerItems(platform, measure) {
  const paths = measure === 'unpacked' ? platform.largestPaths ?? [] : [];
  return (platform.layers ?? []).map((layer, index) => {
    const size = (measure === 'unpacked' ? layer.uncompressedSizeBytes : layer.sizeBytes) ?? 0;
    const parts = paths
      .filter((path) => path.layer === index)
      .map((path) => ({size: path.sizeBytes, name: path.path}));
    const known = parts.reduce((sum, part) => sum + part.size, 0);
    // Files that share their bytes may add up to more than the layer has: then there is no rest.
    if (size > known || parts.length === 0) parts.push({size: size - known, name: ''});
    return {size, layer, index, parts};
  });
}

function layerName({layer, index}) {
  const line = layer.line > 0 ? ` (line ${layer.line})` : '';
  return `layer ${index + 1}${line} ${layer.createdBy ?? layer.digest ?? ''}`;
}

/** comparable: there is an image before, so that a layer without a difference is a new one. */
function kind(layer, comparable) {
  const grown = layer.deltaBytes ?? (comparable ? layer.sizeBytes : 0);
  if (grown > 0 && grown >= 0.05 * layer.sizeBytes) return 'grown';
  return layer.origin === 'base' ? 'base' : 'own';
}

/** As much of the text as fits; of a path its end, which tells more. */
function fit(text, width) {
  const letters = Math.floor((width - 8) / LETTER);
  if (letters < 4) return '';
  if (text.length <= letters) return text;
  return text.startsWith('/') ? `…${text.slice(1 - letters)}` : `${text.slice(0, letters - 1)}…`;
}

function label(text, size, {x, y, width, height}) {
  if (height < 18) return [];
  const first = fit(text, width);
  if (!first) return [];
  const lines = [svg('text', {x: x + 5, y: y + 14}, first)];
  const second = fit(bytes(size), width);
  if (height >= 34 && second === bytes(size))
    lines.push(svg('text', {class: 'quiet', x: x + 5, y: y + 29}, second));
  return lines;
}

function drawPart(placed, outer, comparable) {
  const {item: part, x, y, width, height} = placed;
  const text = part.name || layerName(outer.item);
  const whole = `${part.name || 'the rest'}: ${bytes(part.size)}, of ${layerName(outer.item)}: ` +
    bytes(outer.item.size);
  return [
    svg('rect', {class: kind(outer.item.layer, comparable), x, y, width, height,
      'data-size': part.size, 'data-layer': outer.item.index + 1},
      svg('title', {}, outer.item.parts.length > 1 ? whole
        : `${layerName(outer.item)}: ${bytes(outer.item.size)}`)),
    ...label(text, part.size, placed),
  ];
}

/** Its letters keep their size on a narrow screen: there the map is higher and less wide. */
function shape() {
  return globalThis.matchMedia?.('(max-width: 44rem)').matches
    ? {width: 340, height: 440} : {width: 800, height: 400};
}

export function treemap(image, platform, measure) {
  const comparable = isCompared(image, platform);
  const {width, height} = shape();
  const items = layerItems(platform, measure);
  const layers = squarify(items, {x: 0, y: 0, width, height});
  const total = items.reduce((sum, item) => sum + item.size, 0);
  return el(
    'figure',
    {class: 'treemap'},
    svg(
      'svg',
      {viewBox: `0 0 ${width} ${height}`, role: 'img',
        'aria-label': `${bytes(total)} in ${layers.length} layers as areas. ` +
          'The tables below have the figures.'},
      layers.map((outer) => squarify(outer.item.parts, outer).map((part) =>
        drawPart(part, outer, comparable))),
      layers.map((outer) => svg('rect', {class: 'frame', x: outer.x, y: outer.y,
        width: outer.width, height: outer.height})),
    ),
    el(
      'figcaption',
      {class: 'muted'},
      el('span', {class: 'key base'}), ' base image  ',
      el('span', {class: 'key own'}), ' own layers  ',
      el('span', {class: 'key grown'}), ' new, or grown by 5% or more',
    ),
  );
}
