// The panel under the hood: what the page did, which stack answered, and both stacks as they are.
// A page reports its actions by "did" events; the browser's own fetches are read from its timeline.

import { draw } from "./stacks.js";
import { explain, learn } from "./reasons.js";
import { add, explainAll } from "./rows.js";

const LOOK_EVERY_MS = 2000;
const panel = document.querySelector("#hood");
const counts = { edge: 0, wsgi: 0, asgi: 0 };

function show(did) {
  counts[did.stack] += did.count ?? 1;
  const badge = panel.querySelector(`summary [data-stack="${did.stack}"]`);
  badge.querySelector("b").textContent = counts[did.stack];
  // Taken off and put on again, with the style read in between, an animation begins anew.
  badge.classList.remove("hood-flash");
  void badge.offsetWidth;
  badge.classList.add("hood-flash");
  add(did, explain(did));
}

function showPage() {
  const [page] = performance.getEntriesByType("navigation");
  const timing = Object.fromEntries(page.serverTiming.map((each) => [each.name, each]));
  show({
    what: "Page load",
    path: new URL(page.name).pathname,
    stack: timing.stack?.description ?? "edge",
    route: timing.route?.description,
    ms: page.responseEnd - page.startTime,
    appMs: timing.app?.duration,
  });
}

function showFiles(files) {
  // A script reports its own fetches, as it knows their purpose; and what
  // came from the browser's own cache nobody answered.
  const own = files.filter(({ initiatorType, serverTiming, transferSize }) => {
    return initiatorType !== "fetch" && !serverTiming.length && transferSize > 0;
  });
  if (own.length) show({ what: "Pictures, styles, scripts", path: "/static/…", stack: "edge", count: own.length });
}

// Both stacks, while somebody looks

let isLooking = false;

async function look() {
  if (isLooking) return;
  isLooking = true;
  while (panel.open) {
    if (!document.hidden) await drawNow();
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  }
  isLooking = false;
}

async function drawNow() {
  try {
    const response = await fetch(panel.dataset.stacks);
    if (response.ok) draw(await response.json());
  } catch {
    // The next look may find it; the page itself says when it is offline.
  }
}

async function open() {
  sessionStorage.setItem("hood", panel.open ? "open" : "");
  if (!panel.open) return;
  look();
  await learn(panel.dataset.plan);
  explainAll(explain);
}

if (panel) {
  document.addEventListener("did", ({ detail }) => show(detail));
  new PerformanceObserver((list) => showFiles(list.getEntries())).observe({ type: "resource", buffered: true });
  // Its time is known only when all of it has come.
  if (document.readyState === "complete") showPage();
  else addEventListener("load", () => setTimeout(showPage));
  panel.addEventListener("toggle", open);
  panel.open = Boolean(sessionStorage.getItem("hood"));
}
