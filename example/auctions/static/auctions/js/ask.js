// A question to the API, with its answer's stack and time told.

import { answeredBy, did } from "./did.js";

export async function ask(what, path, options) {
  const began = performance.now();
  const response = await fetch(path, options);
  const ms = performance.now() - began;
  did({ what: response.ok ? what : `${what}: ${response.status}`, path, ms, ...answeredBy(response) });
  return response;
}
