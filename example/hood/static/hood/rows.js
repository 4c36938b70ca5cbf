// The table of what the page did, the latest first; the same thing again counts its row up.

const rows = document.querySelector("#hood-rows");
const known = new Map();

export function add(did, why) {
  const kind = `${did.what} ${did.path} ${did.stack}`;
  if (!known.has(kind)) known.set(kind, newRow(did, why));
  const row = known.get(kind);
  row.times += did.count ?? 1;
  row.querySelector(".hood-ms").textContent = milliseconds(did);
  row.querySelector("i").textContent = row.times > 1 ? ` ×${row.times}` : "";
  rows.prepend(row);
}

export function explainAll(explain) {
  for (const row of rows.children) row.querySelector(".hood-why").textContent = explain(row.did);
}

function newRow(did, why) {
  const row = Object.assign(document.createElement("tr"), { did, times: 0 });
  row.append(badge(did.stack), what(did), cell("", "hood-ms"), cell(why, "hood-why"));
  return row;
}

function badge(stack) {
  const inside = document.createElement("span");
  inside.className = "hood-badge";
  inside.dataset.stack = stack;
  inside.textContent = stack === "edge" ? "edge" : stack.toUpperCase();
  const made = cell("");
  made.append(inside);
  return made;
}

function what({ what, path }) {
  const made = cell(what);
  const code = document.createElement("code");
  code.textContent = path;
  made.append(document.createElement("i"), " ", code);
  return made;
}

// As the page felt it, and of that what passed inside Django.
function milliseconds({ ms, appMs }) {
  if (ms === undefined) return "";
  return appMs === undefined ? `${Math.round(ms)}` : `${Math.round(ms)} (Django ${Math.round(appMs)})`;
}

function cell(text, name = "") {
  const made = document.createElement("td");
  made.textContent = text;
  made.className = name;
  return made;
}
