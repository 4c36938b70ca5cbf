// Says what the page did, to whoever listens: the panel under the hood does.

export function did(detail) {
  document.dispatchEvent(new CustomEvent("did", { detail }));
}

// What an answer's headers say of who gave it; with none of ours, it was the edge.
export function answeredBy(response) {
  const timing = response.headers.get("Server-Timing") ?? "";
  return {
    stack: response.headers.get("X-Stack") ?? "edge",
    route: timing.match(/route;desc="([^"]*)"/)?.[1],
    appMs: Number(timing.match(/app;dur=([\d.]+)/)?.[1] ?? NaN) || undefined,
  };
}
