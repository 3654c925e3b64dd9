// Tables of one platform's image: its layers, and the largest paths in them.

import {el} from './dom.js';
import {table} from './facts.js';
import {bytes, delta} from './format.js';

/** "RUN npm ci" from what an image's history says of a layer. */
export function instruction(layer) {
  return layer.createdBy || layer.digest || 'unknown';
}

function layerDelta(layer, comparable) {
  if (typeof layer.deltaBytes !== 'number')
    return comparable ? el('span', {class: 'grown'}, 'new') : '–';
  return el('span', {class: layer.deltaBytes > 0 ? 'grown' : null}, delta(layer.deltaBytes));
}

/** comparable: there is an image before, so that a layer without a difference is a new one. */
export function layersTable(platform, comparable) {
  const columns = [
    {title: '#', number: true},
    {title: 'Line', number: true},
    {title: 'Instruction'},
    {title: 'Size', number: true},
    {title: 'Unpacked', number: true, wide: true},
    {title: 'Change', number: true},
    {title: 'Waste', number: true},
  ];
  const rows = (platform.layers ?? []).map((layer, index) => [
    index + 1,
    layer.line > 0 ? layer.line : '',
    el('span', {class: 'instruction'},
      layer.origin === 'base' ? el('span', {class: 'badge off'}, 'base') : '', ' ',
      el('code', {}, instruction(layer))),
    bytes(layer.sizeBytes ?? 0),
    bytes(layer.uncompressedSizeBytes),
    layerDelta(layer, comparable),
    layer.wastedBytes > 0 ? el('span', {class: 'waste'}, bytes(layer.wastedBytes)) : '',
  ]);
  return table('Layers, the lowest first', columns, rows);
}

export function pathsTable(platform) {
  const paths = platform.largestPaths ?? [];
  if (paths.length === 0) return null;
  const columns = [
    {title: 'Path'},
    {title: 'Unpacked', number: true},
    {title: 'Layer', number: true},
    {title: 'Line', number: true},
  ];
  const rows = paths.map((path) => {
    const layer = platform.layers?.[path.layer];
    return [el('code', {class: 'path'}, path.path), bytes(path.sizeBytes), path.layer + 1,
      layer?.line > 0 ? layer.line : ''];
  });
  return table('Largest paths', columns, rows);
}
