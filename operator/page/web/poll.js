// Runs a task now and then every few seconds, one at a time, and not while nobody looks.

/**
 * task: async function; what it throws is the task's own business.
 * environment: {document, setTimeout, clearTimeout}, which tests replace.
 * Returns now(): runs the task at once (after the one that runs), and counts from there.
 */
export function poll(task, interval, environment = globalThis) {
  const {document} = environment;
  let timer;
  let running = false;
  let again = false;

  async function run() {
    if (running) {
      again = true;
      return;
    }
    environment.clearTimeout(timer);
    running = true;
    try {
      do {
        again = false;
        await task();
      } while (again);
    } finally {
      running = false;
      if (!document.hidden) timer = environment.setTimeout(run, interval);
    }
  }

  document.addEventListener('visibilitychange', () => {
    environment.clearTimeout(timer);
    if (!document.hidden) run();
  });
  run();
  return run;
}
