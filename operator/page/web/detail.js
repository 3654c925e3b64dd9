// One image: sizes, history, what grew and why, layers, advice, the last failure.

import {historyChart} from './chart.js';
import {el, replace} from './dom.js';
import {badgeList, section, table, timeSince} from './facts.js';
import {bytes, delta, duration, growth, shortDigest} from './format.js';
import {explain, isCompared, isMain} from './growth.js';
import {instruction, layersTable, pathsTable} from './layers.js';
import {hasUnpackedSizes, treemap} from './treemap.js';

function fact(name, value, note) {
  return el('div', {class: 'fact'}, el('dt', {}, name), el('dd', {}, value),
    note ? el('dd', {class: 'muted'}, note) : null);
}

function sizes(build, platform) {
  const {image, baseline, limits} = build;
  if (!image) return section('Size', el('p', {class: 'muted'}, 'No image was accepted yet.'));
  const own = platform?.ownSizeBytes ?? image.ownSizeBytes ?? 0;
  const size = platform?.sizeBytes ?? image.sizeBytes ?? 0;
  const base = Math.max(0, size - own);
  const share = (part) => (size > 0 ? `${((part / size) * 100).toFixed(0)}%` : '');
  const main = isMain(image, platform);
  const wasted = platform?.wastedBytes ?? image.wastedBytes;
  const bar = el('div', {class: 'bar', role: 'img',
    'aria-label': `own ${bytes(own)}, base image ${bytes(base)}`},
  el('span', {class: 'own'}), el('span', {class: 'base'}));
  bar.firstChild.style.flexGrow = own;  // the policy allows no style attribute
  bar.lastChild.style.flexGrow = base;
  return section(
    'Size',
    el(
      'dl',
      {class: 'facts'},
      fact('Compressed', bytes(size), limits?.size ? `budget ${bytes(limits.size)}` : null),
      fact('Change', main ? delta(image.deltaBytes) : '–',
        main && baseline ? `${growth(image.sizeBytes, baseline.sizeBytes)} over baseline ` +
          bytes(baseline.sizeBytes) : null),
      fact('Own layers', bytes(own), limits?.own ? `budget ${bytes(limits.own)}` : share(own)),
      fact('Base image', bytes(base), share(base)),
      fact('Unpacked', bytes(platform?.uncompressedSizeBytes ?? image.uncompressedSizeBytes)),
      fact('Waste', bytes(wasted), wasted > 0 ? 'unpacked; hidden by later layers' : null),
      fact('Layers', String(platform?.layerCount ?? image.layerCount ?? '–'),
        limits?.layers ? `budget ${limits.layers}` : null),
    ),
    bar,
  );
}

function history(build) {
  const columns = [
    {title: 'Build', number: true},
    {title: 'Result'},
    {title: 'Trigger', wide: true},
    {title: 'Size', number: true},
    {title: 'Own', number: true},
    {title: 'Took', number: true},
    {title: 'Ended', wide: true},
  ];
  const rows = (build.history ?? []).map((entry) => [
    `#${entry.number}`,
    entry.result,
    entry.trigger,
    bytes(entry.sizeBytes),
    bytes(entry.ownSizeBytes),
    duration(entry.seconds),
    timeSince(entry.finishedAt),
  ]);
  const limits = build.limits
    ? el('p', {class: 'muted'}, 'An image over the budget is ',
      build.limits.block ? 'refused: its tags do not move.' : 'accepted, with a warning.') : null;
  return section('History', historyChart(build), limits,
    rows.length > 0 ? table('Builds, the newest first', columns, rows) : null);
}

function changeLine({bytes: count, fresh, layer, index}) {
  return el(
    'li',
    {},
    el('strong', {class: count > 0 ? 'grown' : null}, delta(count)), ' ',
    fresh ? 'new ' : '', `layer ${index + 1} `,
    el('code', {}, instruction(layer)),
    layer.line > 0 ? ` (Dockerfile:${layer.line})` : '',
    layer.origin === 'base' ? el('span', {class: 'muted'}, ' of the base image') : null,
  );
}

function whatGrew(build, platform) {
  if (!build.image) return null;
  const title = 'What grew and why';
  const found = explain(build, platform);
  if (found.first)
    return section(title, el('p', {}, 'The first image: there is nothing to compare with.'));
  if (found.unknown)
    return section(title, el('p', {class: 'muted'}, 'Not measured for this platform.'));
  const origin = [];
  if (found.base !== null)
    origin.push(el('p', {}, `Base image ${delta(found.base)}, own layers ${delta(found.own)}.`));
  const bases = (build.inputs?.bases ?? [])
    .filter((base) => !platform || !base.platform || base.platform === platform.platform);
  if (bases.length > 0)
    origin.push(el('p', {class: 'muted'}, 'Built on ',
      bases.map((base, i) => [i > 0 ? ', ' : '', el('code', {}, base.ref),
        ` (${shortDigest(base.digest)})`]), '.'));
  const lines = found.layers.map(changeLine);
  if (found.rest !== 0)
    lines.push(el('li', {}, el('strong', {}, delta(found.rest)), ' by layers that are gone'));
  return section(
    title,
    el('p', {}, `${delta(found.total)} since the image before.`),
    origin,
    lines.length > 0 ? el('ul', {class: 'changes'}, lines)
      : el('p', {class: 'muted'}, 'No layer changed its size.'),
  );
}

function advice(build) {
  const list = build.image?.advice ?? [];
  if (list.length === 0) return null;
  return section('Advice', el('ul', {class: 'changes'}, list.map((item) =>
    el('li', {}, el('strong', {}, item.savesBytes > 0 ? `−${bytes(item.savesBytes)}` : ''), ' ',
      item.message ?? '', item.line > 0 ? ` (Dockerfile:${item.line})` : ''))));
}

function lastFailure(build) {
  const failure = build.build?.failure;
  if (!failure) return null;
  const where = [];
  if (failure.stage) where.push(`stage ${failure.stage}`);
  if (failure.line > 0) where.push(`Dockerfile:${failure.line}`);
  if (typeof failure.exitCode === 'number') where.push(`exit status ${failure.exitCode}`);
  return section(
    'Last failure',
    el('p', {}, el('span', {class: 'badge bad'}, failure.reason ?? 'Failed'), ' ',
      failure.message ?? ''),
    el('p', {class: 'muted'}, [`build #${build.build.number ?? '–'}`, ...where].join(' · '), ' · ',
      timeSince(build.build.finishedAt)),
    failure.logTail
      ? el('pre', {tabindex: 0, role: 'region', 'aria-label': 'End of the log'}, failure.logTail)
      : null,
  );
}

function conditions(build) {
  const columns = [{title: 'Condition'}, {title: 'Status'}, {title: 'Reason'}, {title: 'Message'},
    {title: 'Since', wide: true}];
  const rows = (build.conditions ?? []).map((condition) => [condition.type, condition.status,
    condition.reason, el('span', {class: 'message'}, condition.message ?? ''),
    timeSince(condition.lastTransitionTime)]);
  if (rows.length === 0) return null;
  return section('Conditions', table('What the operator reports', columns, rows));
}

function heading(build) {
  const {image} = build;
  const messages = (build.conditions ?? [])
    .filter(({type, status, message}) =>
      message && (type === 'Ready' || (type === 'WithinBudget' && status === 'False')))
    .map(({message}) => el('p', {class: 'message'}, message));
  return [
    el('p', {class: 'back'}, el('a', {href: '#/'}, '← All images')),
    el('h1', {}, el('span', {class: 'muted'}, `${build.namespace}/`), el('wbr'), build.name),
    el('p', {class: 'badges'}, badgeList(build)),
    messages,
    el('p', {class: 'muted'}, el('code', {}, image?.ref ?? build.imageName ?? ''),
      image?.tags?.length ? ` · tags ${image.tags.join(', ')}` : '',
      image?.createdAt ? [' · built ', timeSince(image.createdAt)] : '',
      image?.revision ? ` · revision ${image.revision}` : '',
      build.source ? ` · from ${build.source}` : ''),
  ];
}

function select(id, text, options, chosen, onchange) {
  return el('p', {class: 'controls'}, el('label', {for: id}, text), ' ',
    el('select', {id, onchange: (event) => onchange(event.target.value)},
      options.map(([value, title]) =>
        el('option', {value, selected: value === chosen}, title))));
}

export function detailView(main, namespace, name) {
  const choice = {platform: undefined, measure: 'unpacked'};
  let build;

  function choose(key) {
    return (value) => {
      choice[key] = value;
      draw();
    };
  }

  function layersSection(platform) {
    if (!platform?.layers?.length) return null;
    const unpacked = hasUnpackedSizes(platform);
    const measure = unpacked ? choice.measure : 'packed';
    const measures = [['unpacked', 'unpacked, with the largest paths'],
      ['packed', 'compressed, as pulled']];
    return section(
      'Layers',
      unpacked ? select('measure', 'Sizes', measures, measure, choose('measure')) : null,
      treemap(build.image, platform, measure),
      layersTable(platform, isCompared(build.image, platform)),
      pathsTable(platform),
    );
  }

  function draw() {
    const platforms = build.image?.platforms ?? [];
    const names = platforms.map((platform) => platform.platform);
    const largest = [...platforms].sort((a, b) => b.sizeBytes - a.sizeBytes)[0];
    const platform = platforms.find((one) => one.platform === choice.platform) ?? largest;
    replace(
      main,
      heading(build),
      names.length > 1
        ? select('platform', 'Platform', names.map((one) => [one, one]), platform.platform,
          choose('platform'))
        : null,
      lastFailure(build),
      sizes(build, platform),
      whatGrew(build, platform),
      advice(build),
      history(build),
      layersSection(platform),
      conditions(build),
    );
  }

  return {
    title: `${namespace}/${name} · ImageBuilds`,
    url: `api/v1/imagebuilds/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`,
    draw(document) {
      build = document;
      draw();
    },
  };
}
