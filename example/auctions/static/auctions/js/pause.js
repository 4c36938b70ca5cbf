// How long to wait before trying again: next to nothing at first, then ever longer.

const LONGEST_MS = 15000;

// The first time a server has only been replaced: a little apart from the others, so that not
// everybody is at the door of the new one in the same millisecond.
export function pauseMs(attempt) {
  if (attempt === 0) return 50 + Math.random() * 250;
  return Math.min(500 * 2 ** attempt, LONGEST_MS) * (0.5 + Math.random() / 2);
}

export function wait(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

// The pause, and while the browser is offline until it is not, for asking would be in vain.
export async function beforeNext(attempt) {
  await wait(pauseMs(attempt));
  if (!navigator.onLine) await new Promise((done) => addEventListener("online", done, { once: true }));
}
