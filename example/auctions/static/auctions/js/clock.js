// Counts down to each closing time on the page. Not a live region: it would never be quiet.

const SOON_S = 120;

function left(seconds) {
  const [d, h, m, s] = [86400, 3600, 60, 1].map((unit, at, units) =>
    Math.floor((at ? seconds % units[at - 1] : seconds) / unit));
  if (d > 1) return `${d} days`;
  if (d || h) return `${d * 24 + h} h ${m} min`;
  return m ? `${m} min ${s} s` : `${s} s`;
}

function show(time) {
  const seconds = Math.ceil((new Date(time.dateTime) - Date.now()) / 1000);
  const text = seconds > 0 ? `Closes in ${left(seconds)}` : "Closing…";
  if (time.textContent !== text) time.textContent = text;
  time.classList.toggle("soon", seconds < SOON_S);
  time.title = new Date(time.dateTime).toLocaleString();
}

// The page comes with UTC, for the server cannot know where the visitor is.
function showLocally(time) {
  time.textContent = new Date(time.dateTime).toLocaleTimeString("en-GB");
}

export function startClock() {
  const tick = () => document.querySelectorAll("time[data-closes]").forEach(show);
  document.querySelectorAll("#bids time").forEach(showLocally);
  tick();
  setInterval(tick, 1000);
}
