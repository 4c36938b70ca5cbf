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

// The pause, or less when the browser goes online. A browser that claims to be offline tries too:
// it knows its network, and not whether this site can be reached.
export async function beforeNext(attempt) {
  const waiting = new AbortController();
  const online = new Promise((done) => addEventListener("online", done, { signal: waiting.signal }));
  await Promise.race([wait(pauseMs(attempt)), online]);
  waiting.abort();
}
