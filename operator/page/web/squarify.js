// A squarified treemap (Bruls, Huizing, van Wijk, 2000): fills a rectangle with one rectangle for
// each item, whose area is to the whole what its size is to the sum, in rows whose rectangles are
// as close to squares as the sizes allow. Pure.

/** The worst ratio of sides when `areas` share a row along a side of length `side`. */
function worst(areas, sum, side) {
  const largest = areas[0];
  const smallest = areas.at(-1);
  return Math.max((side * side * largest) / (sum * sum), (sum * sum) / (side * side * smallest));
}

/**
 * items: [{size, …}]; those without a size get no rectangle.
 * Returns [{item, x, y, width, height}], the largest first.
 */
export function squarify(items, {x, y, width, height}) {
  const rest = items.filter((item) => item.size > 0).sort((a, b) => b.size - a.size);
  const total = rest.reduce((sum, item) => sum + item.size, 0);
  const scale = (width * height) / total;
  const placed = [];

  while (rest.length > 0) {
    const side = Math.min(width, height);
    const areas = [];
    let sum = 0;
    while (areas.length < rest.length) {
      const area = rest[areas.length].size * scale;
      const better = areas.length === 0 ||
        worst([...areas, area], sum + area, side) <= worst(areas, sum, side);
      if (!better) break;
      areas.push(area);
      sum += area;
    }
    // The row takes `depth` of the longer side; its rectangles share the shorter one.
    const depth = sum / side;
    let along = 0;
    for (const area of areas) {
      const length = area / depth;
      placed.push(
        width >= height
          ? {item: rest.shift(), x, y: y + along, width: depth, height: length}
          : {item: rest.shift(), x: x + along, y, width: length, height: depth},
      );
      along += length;
    }
    if (width >= height) {
      x += depth;
      width -= depth;
    } else {
      y += depth;
      height -= depth;
    }
  }
  return placed;
}
