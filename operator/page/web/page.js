// Where the page begins: which view the address asks for, and its data every few seconds.

import {detailView} from './detail.js';
import {el, replace} from './dom.js';
import {refreshTimes} from './facts.js';
import {listView} from './list.js';
import {poll} from './poll.js';

const INTERVAL = 5000;

const main = document.getElementById('main');
const updated = document.getElementById('updated');

let view;
let shown;  // the text that is drawn

/** "#/shop/web" → the view of shop/web; anything else → the list. */
function viewOf(hash) {
  const match = /^#\/([^/]+)\/([^/]+)$/.exec(hash);
  if (!match) return listView(main);
  return detailView(main, ...match.slice(1).map(decodeURIComponent));
}

async function fetchText(url) {
  const response = await fetch(url, {cache: 'no-store'});
  const text = await response.text();
  if (response.ok) return text;
  let problem = `HTTP ${response.status}`;
  if (response.headers.get('Content-Type') === 'application/json')
    problem = JSON.parse(text).error ?? problem;
  throw new Error(problem);
}

async function refresh() {
  const asked = view;
  try {
    const text = await fetchText(asked.url);
    if (asked !== view) return;  // went elsewhere meanwhile
    if (text !== shown) asked.draw(JSON.parse(text));
    shown = text;
    updated.textContent = `Updated ${new Date().toLocaleTimeString()}`;
    updated.className = '';
  } catch (error) {
    if (asked !== view) return;
    if (shown === undefined) replace(main, el('p', {class: 'notice'}, String(error.message)));
    updated.textContent = `Not updated: ${error.message}`;
    updated.className = 'problem';
  }
  refreshTimes(main);
}

function go() {
  view = viewOf(location.hash);
  shown = undefined;
  document.title = view.title;
  replace(main, el('p', {class: 'notice'}, 'Loading…'));
}

go();
const now = poll(refresh, INTERVAL);
addEventListener('hashchange', () => {
  go();
  main.focus({preventScroll: true});
  scrollTo(0, 0);
  now();
});
