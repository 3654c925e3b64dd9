// Numbers and times as people read them; the same forms as in the status and on the command line.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 191260262 → "182.4 MiB" */
export function bytes(count) {
  if (typeof count !== 'number') return '–';
  if (count < 1024) return `${count} B`;
  let value = count;
  let unit = 0;
  while (value >= 1023.95 && unit + 1 < UNITS.length) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}

/** -300 → "−300 B", 0 → "±0 B" */
export function delta(count) {
  if (typeof count !== 'number') return '–';
  if (count === 0) return '±0 B';
  return (count < 0 ? '−' : '+') + bytes(Math.abs(count));
}

/** (110, 100) → "+10.0%"; "–" when there is nothing to compare with. */
export function growth(now, before) {
  if (!(before > 0) || typeof now !== 'number') return '–';
  const percent = (now / before - 1) * 100;
  if (Math.abs(percent) < 0.05) return '±0.0%';
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)}%`;
}

export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (Number.isNaN(seconds)) return '–';
  for (const [unit, length] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}

export function duration(seconds) {
  if (typeof seconds !== 'number') return '–';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** "sha256:9f2c4e…" → "9f2c4e01ab34" */
export function shortDigest(digest = '') {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
