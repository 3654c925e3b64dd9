// Making elements. Text only ever becomes a text node or an attribute, never markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  const present = (child) => child !== undefined && child !== null;
  element.append(...children.flat(Infinity).filter(present));
  return element;
}

/** el('p', {class: 'note', onclick: act}, 'text', otherElement, [more]) */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts `children` in the place of what `parent` holds; the focus stays on the same id. */
export function replace(parent, ...children) {
  const focused = document.activeElement;
  const id = focused && parent.contains(focused) ? focused.id : '';
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child));
  if (id) document.getElementById(id)?.focus({preventScroll: true});
}
