// Why a route is on its stack, as the plan has it.

const EDGE = "a file: NGINX sends it, no Python runs";
const FAILED = "NGINX itself: no server answered";
let routes = null;
let sorry = "asking tandem plan …";

export async function learn(path) {
  if (routes) return;
  try {
    const answer = await (await fetch(path)).json();
    sorry = answer.sorry;
    routes = sorry ? null : answer.routes;
  } catch {
    sorry = "the plan is not to be had just now";
  }
}

export function explain({ stack, path, route, isSocket }) {
  if (stack === "edge") return path.startsWith("/static/") ? EDGE : FAILED;
  if (!routes) return sorry;
  const found = isSocket ? socketRoute(path) : routes.find((each) => each.route === route);
  return found?.reason ?? "no route: WSGI is the default";
}

// The browser shows a page no header of a handshake, so a WebSocket's route is found by its path.
function socketRoute(path) {
  return routes.find((each) => {
    const pattern = each.route.replace(" (WebSocket)", "");
    return pattern !== each.route && new RegExp(`^${pattern.replace(/<[^>]+>/g, "[^/]+")}$`).test(path);
  });
}
