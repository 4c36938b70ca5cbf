// An event stream that goes on where it broke off. Read by fetch: EventSource gives up for good
// when it is answered anything but 200, and shows nobody which server answered.

import { answeredBy, did } from "./did.js";
import { setLine } from "./line.js";
import { beforeNext } from "./pause.js";

export async function keepStream(path, hear) {
  setLine("stream", false);
  let last = "";
  for (let attempt = 0, times = 0; ; attempt += 1) {
    try {
      for await (const event of oneStream(path, last, times)) {
        if (event.isOpen) [attempt, times] = [-1, times + 1];
        last = event.id || last;
        if (event.data) hear(JSON.parse(event.data));
      }
    } catch {
      // The network, or a server that was ended: either way the next one goes on after `last`.
    }
    setLine("stream", false);
    await beforeNext(Math.max(attempt, 0));
  }
}

async function* oneStream(path, last, times) {
  const began = performance.now();
  const headers = { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) };
  // A stream does not notice that the network went away under it.
  const leave = new AbortController();
  addEventListener("offline", () => leave.abort(), { signal: leave.signal });
  const response = await fetch(path, { headers, cache: "no-store", signal: leave.signal });
  const detail = { path, ...answeredBy(response) };
  did({ ...detail, what: times ? "Event stream again" : "Event stream open", ms: performance.now() - began });
  if (!response.ok) return;
  setLine("stream", true);
  yield { isOpen: true };
  for await (const block of blocks(response.body)) {
    const event = parse(block);
    if (event.data) did({ path, stack: detail.stack, route: detail.route, what: "Event: a bid" });
    yield event;
  }
}

async function* blocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (held + value).split("\n\n");
    held = parts.pop();
    yield* parts;
  }
}

function parse(block) {
  const lines = block.split("\n").map((line) => line.split(/: ?(.*)/s, 2));
  return Object.fromEntries(lines.filter(([name]) => name));
}
