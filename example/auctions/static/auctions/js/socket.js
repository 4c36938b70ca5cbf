// A WebSocket that comes back: `path` is asked anew each time, so that it can name where to go on.

import { did } from "./did.js";
import { setLine } from "./line.js";
import { beforeNext } from "./pause.js";

const GONE = 4404;
const STUCK_AFTER_MS = 5000;

export async function keepSocket({ path, hear, gone }) {
  setLine("socket", false);
  for (let attempt = 0, times = 0; ; attempt += 1) {
    const code = await oneSocket(path(), times, hear, () => {
      attempt = -1;
      times += 1;
    });
    if (code === GONE) return gone();
    setLine("socket", false);
    await beforeNext(Math.max(attempt, 0));
  }
}

function oneSocket(path, times, hear, opened) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const began = performance.now();
  const detail = { path: url.pathname, stack: "asgi", isSocket: true };
  const socket = new WebSocket(url);
  const leave = () => socket.close();
  // A socket does not notice that the network went away under it.
  addEventListener("offline", leave);
  const stuck = setTimeout(leave, STUCK_AFTER_MS);
  return new Promise((closed) => {
    socket.onopen = () => {
      clearTimeout(stuck);
      opened();
      setLine("socket", true);
      const what = times ? "WebSocket again" : "WebSocket open";
      did({ ...detail, what, ms: performance.now() - began });
    };
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      did({ ...detail, what: `WebSocket says: ${message.type}` });
      hear(message);
    };
    socket.onclose = ({ code }) => {
      clearTimeout(stuck);
      removeEventListener("offline", leave);
      if (code === 1012) did({ ...detail, what: "WebSocket closed: the server restarts (1012)" });
      closed(code);
    };
  });
}
