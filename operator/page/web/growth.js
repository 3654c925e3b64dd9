// What grew and why: the difference to the image before, told apart by where it came from. Pure.

/** The two newest accepted images of the history that are not the same image. */
export function lastTwo(history = []) {
  const accepted = history.filter((entry) => entry.result === 'Success' && entry.sizeBytes > 0);
  if (accepted.length === 0) return [];
  const before = accepted.find((entry) => entry.digest !== accepted[0].digest);
  return before ? [accepted[0], before] : [accepted[0]];
}

const baseOf = (entry) => entry.sizeBytes - entry.ownSizeBytes;

/** {base, own} in bytes; null where the history does not know. */
export function byOrigin(history) {
  const [now, before] = lastTwo(history);
  if (!(now?.ownSizeBytes >= 0) || !(before?.ownSizeBytes >= 0)) return {base: null, own: null};
  return {base: baseOf(now) - baseOf(before), own: now.ownSizeBytes - before.ownSizeBytes};
}

/** Whether the image's own figures, which are those of its largest platform, are this one's. */
export function isMain(image, platform) {
  return !platform || platform.sizeBytes === image.sizeBytes;
}

/** Whether this platform's layers were compared with those of an image before. */
export function isCompared(image, platform) {
  const layers = platform?.layers ?? [];
  return typeof image.deltaBytes === 'number' &&
    layers.some((layer) => typeof layer.deltaBytes === 'number');
}

/**
 * {first: true} for a first image, {unknown: true} when nothing is known of this platform, else
 * {total, base, own, layers, rest}. layers: those that changed, the largest change first, as
 * {bytes, fresh, index, layer}; fresh: there was no such layer before. rest: what no layer
 * explains, which is layers that are gone.
 */
export function explain(build, platform) {
  const image = build.image ?? {};
  if (typeof image.deltaBytes !== 'number') return {first: true};
  const known = isCompared(image, platform);
  if (!isMain(image, platform) && !known) return {unknown: true};
  const layers = (known ? platform.layers : [])
    .map((layer, index) => {
      const fresh = typeof layer.deltaBytes !== 'number';
      return {layer, index, fresh, bytes: fresh ? layer.sizeBytes ?? 0 : layer.deltaBytes};
    })
    .filter((change) => change.bytes !== 0)
    .sort((a, b) => Math.abs(b.bytes) - Math.abs(a.bytes));
  const explained = layers.reduce((sum, change) => sum + change.bytes, 0);
  if (!isMain(image, platform))
    return {total: explained, base: null, own: null, layers, rest: 0};
  return {
    total: image.deltaBytes,
    ...byOrigin(build.history),
    layers,
    rest: known ? image.deltaBytes - explained : 0,
  };
}
