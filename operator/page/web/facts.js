// Small pieces that list and detail share.

import {el} from './dom.js';
import {ago} from './format.js';
import {badges} from './state.js';

export function badgeList(build) {
  return badges(build).map(({text, tone}) => el('span', {class: `badge ${tone}`}, text));
}

/** A time that refreshTimes() keeps true. */
export function timeSince(time) {
  if (!time) return '–';
  return el('time', {datetime: time, title: time}, ago(time));
}

export function refreshTimes(root) {
  for (const element of root.querySelectorAll('time'))
    element.textContent = ago(element.dateTime);
}

/** columns: [{title, number?: true, hide?: 'narrow'}]; rows: lists of what stands in the cells. */
export function table(caption, columns, rows) {
  const cells = (tag, row) =>
    row.map((content, i) =>
      el(
        tag,
        {
          class: [columns[i].number && 'number', columns[i].wide && 'wide'].filter(Boolean)
            .join(' ') || null,
          scope: tag === 'th' ? 'col' : null,
        },
        content,
      ));
  return el(
    'div',
    {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
    el(
      'table',
      {},
      el('caption', {}, caption),
      el('thead', {}, el('tr', {}, cells('th', columns.map((column) => column.title)))),
      el('tbody', {}, rows.map((row) => el('tr', {}, cells('td', row)))),
    ),
  );
}

export function section(title, ...content) {
  const id = `section-${title.toLowerCase().replace(/[^a-z]+/g, '-')}`;
  return el('section', {'aria-labelledby': id}, el('h2', {id}, title), content);
}
