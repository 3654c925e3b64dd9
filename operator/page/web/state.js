// What is to be said about an ImageBuild in a word or two.

const REASONS = {
  Building: 'Building',
  Progressing: 'Building',
  ProgressingWithRetry: 'Retrying',
  Pending: 'Pending',
  Queued: 'Queued',
};

function words(reason) {
  return REASONS[reason] ?? reason ?? 'Unknown';
}

/** [{text, tone}] with tone one of good, busy, warn, bad, off; the most important one first. */
export function badges(build) {
  const result = [];
  const ready = build.ready ?? {status: 'Unknown', reason: 'Pending'};
  if (ready.status === 'True') result.push({text: 'Ready', tone: 'good'});
  else if (ready.status === 'False') result.push({text: words(ready.reason), tone: 'bad'});
  else if (ready.reason !== 'Suspended') result.push({text: words(ready.reason), tone: 'busy'});

  if (ready.status === 'True' && build.upToDate?.status === 'False') {
    const busy = build.upToDate.reason in REASONS;
    if (build.upToDate.reason !== 'Suspended')
      result.push({
        text: busy ? words(build.upToDate.reason) : `Update: ${build.upToDate.reason}`,
        tone: busy ? 'busy' : 'warn',
      });
  }
  if (build.withinBudget?.status === 'False') result.push({text: 'Over budget', tone: 'warn'});
  if (build.suspended) result.push({text: 'Suspended', tone: 'off'});
  return result;
}

export function needsAttention(build) {
  return badges(build).some((badge) => badge.tone === 'bad' || badge.tone === 'warn');
}
