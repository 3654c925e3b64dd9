// The list of all ImageBuilds: filter, sort, one row each.

import {sparkline} from './chart.js';
import {el, replace} from './dom.js';
import {badgeList, timeSince} from './facts.js';
import {bytes, delta, growth} from './format.js';
import {needsAttention} from './state.js';

const ROWS = 200;  // drawn at first

const key = (build) => `${build.namespace}/${build.name}`;
const ratio = (build) => (build.baselineBytes > 0 ? build.sizeBytes / build.baselineBytes : null);

// by: what is compared; first: the direction of the first click, 1 for ascending.
const COLUMNS = [
  {title: 'Name', by: key, first: 1},
  {title: 'State', by: (build) => (needsAttention(build) ? 1 : 0), first: -1},
  {title: 'Size', by: (build) => build.sizeBytes ?? null, first: -1, number: true},
  {title: 'Change', by: (build) => build.deltaBytes ?? null, first: -1, number: true},
  {title: 'Over baseline', by: ratio, first: -1, number: true},
  {title: 'History', wide: true},
  {title: 'Built', by: (build) => build.createdAt || null, first: -1, wide: true},
];

// Kept while the page is open, so that coming back finds the list as it was left.
const choice = {filter: '', column: 2, direction: -1, all: false};

function compare(a, b) {
  const {by} = COLUMNS[choice.column];
  const [x, y] = [by(a), by(b)];
  if (x === y) return key(a) < key(b) ? -1 : 1;
  if (x === null) return 1;  // unknown stands last in either direction
  if (y === null) return -1;
  return (x < y ? -1 : 1) * choice.direction;
}

function matches(build) {
  const text = `${key(build)} ${build.imageName ?? ''}`.toLowerCase();
  return choice.filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function row(build) {
  const grown = build.deltaBytes > 0 ? 'grown' : null;
  const cell = (name, ...content) => el('td', {role: 'cell', class: name}, content);
  return el(
    'tr',
    {role: 'row'},
    el(
      'th',
      {scope: 'row', role: 'rowheader'},
      el('a', {href: `#/${build.namespace}/${build.name}`},
        el('span', {class: 'muted'}, `${build.namespace}/`), el('wbr'), build.name),
      el('span', {class: 'image muted'}, build.imageName ?? ''),
    ),
    cell('', el('span', {class: 'badges'}, badgeList(build))),
    cell('number', bytes(build.sizeBytes)),
    cell('number', el('span', {class: grown}, delta(build.deltaBytes))),
    cell('number', growth(build.sizeBytes, build.baselineBytes)),
    cell('wide', build.trend ? sparkline(build.trend) : ''),
    cell('wide muted', timeSince(build.createdAt)),
  );
}

function summary({total, items}) {
  const attention = items.filter(needsAttention).length;
  const sum = items.reduce((bytesSoFar, build) => bytesSoFar + (build.sizeBytes ?? 0), 0);
  const parts = [`${total} ${total === 1 ? 'image' : 'images'}`, `${bytes(sum)} in all`];
  parts.push(attention === 0 ? 'none needs attention' : `${attention} need attention`);
  if (items.length < total) parts.push(`the ${items.length} largest are listed`);
  return parts.join(' · ');
}

export function listView(main) {
  const line = el('p', {class: 'summary', role: 'status'});
  const body = el('tbody', {role: 'rowgroup'});
  const more = el('p', {class: 'more'});
  let data;

  function sortButton(column, index) {
    if (!column.by) return column.title;
    return el('button', {type: 'button', onclick: () => sortBy(index)}, column.title);
  }
  const heads = COLUMNS.map((column, index) =>
    el(
      'th',
      {scope: 'col', role: 'columnheader',
        class: column.wide ? 'wide' : column.number ? 'number' : null},
      sortButton(column, index),
    ));

  function sortBy(index) {
    if (choice.column === index) choice.direction = -choice.direction;
    else [choice.column, choice.direction] = [index, COLUMNS[index].first];
    drawRows();
  }

  function drawRows() {
    heads.forEach((head, index) => {
      if (index !== choice.column) head.removeAttribute('aria-sort');
      else head.setAttribute('aria-sort', choice.direction > 0 ? 'ascending' : 'descending');
    });
    const found = data.items.filter(matches).sort(compare);
    const rows = choice.all ? found : found.slice(0, ROWS);
    body.replaceChildren(...rows.map(row));
    more.replaceChildren();
    if (found.length === 0)
      more.append(data.total === 0 ? 'There is no ImageBuild yet.' : 'Nothing matches the filter.');
    if (rows.length < found.length) {
      const showAll = () => {
        choice.all = true;
        drawRows();
      };
      more.append(`${rows.length} of ${found.length} are shown. `,
        el('button', {type: 'button', onclick: showAll}, 'Show all'));
    }
  }

  function build() {
    const filter = el('input', {
      id: 'filter',
      type: 'search',
      placeholder: 'name, namespace or image',
      value: choice.filter,
      autocomplete: 'off',
      oninput: (event) => {
        choice.filter = event.target.value;
        drawRows();
      },
    });
    replace(
      main,
      el('h1', {}, 'Images'),
      line,
      el('p', {class: 'controls'}, el('label', {for: 'filter'}, 'Filter '), filter),
      // The roles are the elements' own; a narrow screen's style would take them away.
      el('table', {class: 'list', role: 'table', 'aria-label': 'ImageBuilds'},
        el('thead', {role: 'rowgroup'}, el('tr', {role: 'row'}, heads)), body),
      more,
    );
  }

  return {
    title: 'ImageBuilds',
    url: 'api/v1/imagebuilds',
    draw(document) {
      if (!data) build();
      data = document;
      const text = summary(data);
      if (line.textContent !== text) line.textContent = text;
      drawRows();
    },
  };
}
