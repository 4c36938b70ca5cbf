// The dashboard: reads the monitor's JSON from its own origin, and draws it. It changes nothing.

const SNAPSHOT_MS = 2000;
const HISTORY_MINUTES = 60;
// Records of the last minutes may still grow when they are read.
const OVERLAP_MINUTES = 3;
const STALE_MS = 8000;
// As PERCENTILE_BUCKETS_S of monitor/minutes.py: the upper bounds of the buckets.
const BUCKETS_S = Array.from({ length: 148 }, (_, power) => 0.0005 * 1.1 ** power);
// The ages of a worker's oldest request, in seconds, from which its cell is hotter.
const HEAT_S = [0, 0.1, 0.5, 2];
const STRIP_SAMPLES = 60;
const MOST_ROUTES = 200;
const MOST_SLOW = 10;
const STACKS = ["wsgi", "asgi", "edge"];
// A minute without a request.
const NOTHING = { rate: 0, errors: 0, p50: null, p95: null, queue: null };

const find = (id) => document.getElementById(id);
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const page = {
  snapshot: null,
  // RouteMinute objects by minute, of which a route may have two; gauges in the order of time.
  minutes: new Map(),
  gauges: [],
  // What the charts are drawn from, or null where it is to be added up again.
  sums: null,
  hour: null,
  // By pid: the heat of each sample, the newest last.
  strips: new Map(),
  focus: null,
  sort: { column: "busy_workers", falls: true },
  receivedAt: 0,
  failure: "",
};

/* Figures */

const number = (value) => {
  if (value === null || value === undefined) return "–";
  if (value < 0.05) return value < 0.005 ? "0" : value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return Math.round(value).toLocaleString("en");
};
const count = (value) => (value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en"));
const seconds = (value) => {
  if (value === null || value === undefined) return "–";
  if (value < 0.00995) return `${(1000 * value).toFixed(1)} ms`;
  if (value < 0.9995) return `${Math.round(1000 * value)} ms`;
  return value < 99.95 ? `${value.toFixed(1)} s` : `${Math.round(value / 60)} min`;
};
const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(100 * value)} %`);
const clock = (at) => new Date(1000 * at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const duration = (value) => {
  const minutes = Math.floor(value / 60);
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.floor(value)} s`;
};

/* Elements */

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Give `parent` an element for each of `items`: one that stays keeps its focus and its state.
function fill(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, place) => {
    const key = String(keyOf(item));
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    update(child, item);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  for (const left of known.values()) left.remove();
}

function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/* Reading */

async function read(target) {
  const response = await fetch(target, { cache: "no-store", signal: AbortSignal.timeout(STALE_MS) });
  if (response.ok) return response.json();
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.error || `${target} was answered with ${response.status}.`);
}

async function readSnapshot() {
  try {
    page.snapshot = await read("snapshot.json");
    page.receivedAt = Date.now();
    page.failure = "";
    takeSample(page.snapshot);
  } catch (error) {
    page.failure = error instanceof TypeError || error.name === "TimeoutError" ? "" : error.message;
  }
}

async function readHistory(minutes) {
  const since = Math.floor(page.snapshot.at / 60) - minutes;
  try {
    const records = await read(`history.json?minutes=${minutes}`);
    const fresh = new Set(records.map((each) => each.minute));
    for (const minute of page.minutes.keys()) {
      if (fresh.has(minute) || minute < since - HISTORY_MINUTES) page.minutes.delete(minute);
    }
    for (const minute of fresh) page.minutes.set(minute, []);
    for (const each of records) page.minutes.get(each.minute).push(each);
    page.sums = null;
  } catch {
    // The banner of the snapshot reports a monitor that does not answer.
  }
}

async function readGauges() {
  try {
    const before = page.gauges;
    page.gauges = await read("gauges.json");
    const last = page.gauges.at(-1)?.at ?? 0;
    page.gauges.push(...before.filter((each) => each.at > last));
  } catch {
    // They begin with this page.
  }
}

function takeSample(now) {
  for (const stack of now.stacks) {
    const lags = now.workers.filter((each) => each.slot.stack === stack.stack).map((each) => each.slot.lag_max_s ?? 0);
    page.gauges.push({ ...stack, at: now.at, lag_s: Math.max(0, ...lags) });
  }
  page.gauges = page.gauges.filter((each) => each.at > now.at - 60 * HISTORY_MINUTES);
  const pids = new Set(now.workers.map((each) => each.slot.pid));
  for (const pid of page.strips.keys()) if (!pids.has(pid)) page.strips.delete(pid);
  for (const { slot } of now.workers) {
    const strip = page.strips.get(slot.pid) ?? [];
    strip.push(heatOf(slot, now));
    page.strips.set(slot.pid, strip.slice(-STRIP_SAMPLES));
  }
}

const ageOf = (slot, now) => Math.max(...slot.in_flight.map((each) => now.at - each.since));
const heatOf = (slot, now) => (slot.in_flight.length ? HEAT_S.findLastIndex((limit) => Math.max(0, ageOf(slot, now)) >= limit) + 1 : 0);

/* Series of the last hour */

function percentile(buckets, share) {
  const indexes = Object.keys(buckets).map(Number).sort((a, b) => a - b);
  const wanted = share * indexes.reduce((sum, index) => sum + buckets[index], 0);
  let seen = 0;
  for (const index of indexes) {
    seen += buckets[index];
    if (seen >= wanted) return BUCKETS_S[index];
  }
  return null;
}

// By minute and stack, the requests of the route in focus, or of all; renewed once a minute.
function sumsOf() {
  const sums = new Map();
  for (const each of [...page.minutes.values()].flat()) {
    if (each.is_long || (page.focus && each.route !== page.focus)) continue;
    const key = `${each.minute} ${each.stack}`;
    const sum = sums.get(key) ?? { requests: 0, errors: 0, durations: {}, queues: {} };
    sums.set(key, sum);
    for (const [status, count] of Object.entries(each.statuses)) {
      sum.requests += count;
      if (status >= 500) sum.errors += count;
    }
    for (const name of ["durations", "queues"]) {
      for (const [bucket, count] of Object.entries(each[name])) sum[name][bucket] = (sum[name][bucket] ?? 0) + count;
    }
  }
  return new Map([...sums].map(([key, sum]) => [key, {
    rate: sum.requests / 60, errors: sum.errors / 60,
    p50: percentile(sum.durations, 0.5), p95: percentile(sum.durations, 0.95), queue: percentile(sum.queues, 0.95),
  }]));
}

// The minutes that are over, then the last 60 seconds: times, and for each stack what was measured.
function hour() {
  const now = page.snapshot;
  page.sums ??= sumsOf();
  const last = Math.floor(now.at / 60);
  const began = Math.min(Math.floor(now.started_at / 60), ...[...page.sums.keys()].map(parseFloat));
  const minutes = [];
  for (let minute = Math.max(last - HISTORY_MINUTES, began); minute < last; minute += 1) minutes.push(minute);
  const of = {};
  for (const stack of STACKS) {
    const sources = page.focus ? now.routes.filter((each) => each.route === page.focus) : now.stacks;
    const traffic = sources.find((each) => each.stack === stack)?.traffic;
    of[stack] = [...minutes.map((minute) => page.sums.get(`${minute} ${stack}`) ?? NOTHING), {
      rate: traffic?.requests_per_s ?? 0, errors: traffic?.errors_per_s ?? 0,
      p50: traffic?.p50_s ?? null, p95: traffic?.p95_s ?? null, queue: traffic?.queue_p95_s ?? null,
    }];
  }
  // A stack that has just started has ten minutes to fill.
  const known = Math.min(60 * began, page.gauges[0]?.at ?? Infinity, now.at - 600);
  return { times: [...minutes.map((minute) => 60 * minute + 30), now.at], of, from: Math.max(known, now.at - 60 * HISTORY_MINUTES) };
}

function gaugesOf(name) {
  const times = [...new Set(page.gauges.map((each) => each.at))].sort((a, b) => a - b);
  const place = new Map(times.map((at, index) => [at, index]));
  const of = Object.fromEntries(STACKS.map((stack) => [stack, new Array(times.length).fill(null)]));
  for (const each of page.gauges) if (of[each.stack]) of[each.stack][place.get(each.at)] = each[name];
  return { times, of };
}

/* Charts */

const BOTH = ["wsgi", "asgi"];
// Ticks of counts are whole.
const WHOLE = [1, 2, 5].flatMap((digit) => Array.from({ length: 7 }, (_, power) => digit * 10 ** power)).sort((a, b) => a - b);
const tick = (chart, value) => (chart.format === seconds && value ? seconds(value) : value.toLocaleString("en", { maximumFractionDigits: 2 }));
const line = (stack, name, options = {}) => ({ stack, name, label: stack.toUpperCase(), ...options });
const ofHour = (series) => () => {
  const { times, of } = page.hour;
  return [times, ...series.map(({ stack, name }) => of[stack].map((each) => each[name]))];
};
const ofGauges = (series) => () => {
  const read = series.map(({ stack, name }) => ({ stack, gauges: gaugesOf(name) }));
  return [read[0].gauges.times, ...read.map(({ stack, gauges }) => gauges.of[stack])];
};

const CHARTS = [
  { id: "rate", title: "Requests per second", format: number, series: BOTH.map((stack) => line(stack, "rate")), from: ofHour },
  {
    id: "latency", title: "Latency", format: seconds, from: ofHour,
    series: BOTH.flatMap((stack) => [
      line(stack, "p95", { label: `${stack.toUpperCase()} p95` }),
      line(stack, "p50", { label: "p50", dashed: true }),
    ]),
  },
  { id: "errors", title: "Errors per second", format: number, series: [...BOTH, "edge"].map((stack) => line(stack, "errors")), from: ofHour },
  {
    id: "queue", title: "Time in the queue, p95", format: seconds, from: ofHour,
    series: BOTH.map((stack) => line(stack, "queue")),
  },
  { id: "length", title: "Requests in the queue", format: count, series: BOTH.map((stack) => line(stack, "queue_length")), from: ofGauges },
  { id: "lag", title: "Lag of the event loop", format: seconds, series: [line("asgi", "lag_s")], from: ofGauges },
  {
    id: "open", title: "Open connections", format: count, from: ofGauges,
    series: [line("asgi", "websockets", { label: "WebSockets" }), line("asgi", "streams", { label: "streams", dashed: true })],
  },
  { id: "busy", title: "Busy workers", format: count, series: BOTH.map((stack) => line(stack, "workers_busy")), from: ofGauges },
].map((chart) => ({ ...chart, data: chart.from(chart.series), plot: null }));

// Each start and reload is a line through every chart.
function drawMarks(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color("soft");
  ctx.fillStyle = color("soft");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.font = `${10 * devicePixelRatio}px system-ui, sans-serif`;
  let labelled = Infinity;
  for (const mark of [...(page.snapshot?.marks ?? [])].reverse()) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // A label that would cover that of a later mark is left out.
    if (labelled - x < 44 * devicePixelRatio) continue;
    labelled = x;
    const leftward = x > bbox.left + 0.8 * bbox.width;
    ctx.textAlign = leftward ? "right" : "left";
    ctx.fillText(mark.kind, x + (leftward ? -4 : 4) * devicePixelRatio, bbox.top + 10 * devicePixelRatio);
  }
  ctx.restore();
}

function optionsOf(chart, box) {
  const axis = { stroke: color("soft"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: box.clientWidth, height: box.clientHeight, legend: { show: false }, padding: [10, 16, 0, 0],
    cursor: { sync: { key: "hour", scales: ["x", null] }, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true, range: () => [page.hour.from, page.snapshot.at] },
      y: { range: (_, low, high) => [0, Math.max(high ?? 0, chart.format === seconds ? 0.001 : 1) * 1.15] },
    },
    axes: [
      { ...axis, space: 70, values: (_, ticks) => ticks.map((at) => clock(at).slice(0, 5)), size: 24 },
      {
        ...axis, size: chart.format === seconds ? 52 : 44, space: 34, values: (_, ticks) => ticks.map((value) => tick(chart, value)),
        ...(chart.format === count ? { incrs: WHOLE } : {}),
      },
    ],
    series: [
      {},
      ...chart.series.map((each) => ({
        stroke: color(each.stack), width: each.dashed ? 1.25 : 2, dash: each.dashed ? [4, 3] : undefined,
        points: { show: (plot) => plot.data[0].length < 3, size: 5, fill: color(each.stack) },
        fill: chart.series.length === 1 ? `${color(each.stack)}22` : undefined,
      })),
    ],
    hooks: { draw: [drawMarks], setCursor: [() => writeKeys(chart)] },
  };
}

function writeKeys(chart) {
  const data = chart.plot.data;
  const index = chart.plot.cursor.idx ?? data[0].length - 1;
  const values = chart.series.map((_, place) => chart.format(data[place + 1][index]));
  chart.keys.querySelectorAll("b").forEach((each, place) => write(each, values[place]));
  const read = chart.series.map((each, place) => `${each.dashed && each.label === "p50" ? `${each.stack.toUpperCase()} ` : ""}${each.label} ${values[place]}`);
  const label = data[0].length ? `${chart.title} at ${clock(data[0][index])}: ${read.join(", ")}` : `${chart.title}: no figures yet`;
  chart.box.setAttribute("aria-label", label);
}

// The arrow keys move the cursor of all charts, as the mouse does.
function moveCursor(chart, event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity, Escape: NaN };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const times = chart.plot.data[0];
  const step = steps[event.key];
  if (Number.isNaN(step)) return chart.plot.setCursor({ left: -10, top: -10 });
  const index = Math.min(times.length - 1, Math.max(0, (chart.plot.cursor.idx ?? times.length - 1) + step));
  chart.plot.setCursor({ left: chart.plot.valToPos(times[index], "x"), top: 10 });
}

function makeCharts() {
  for (const chart of CHARTS) {
    chart.keys = element("ul", { class: "keys" }, ...chart.series.map((each) => (
      element("li", { "data-stack": each.stack, class: each.dashed ? "dashed" : null }, `${each.label} `, element("b"))
    )));
    chart.box = element("div", { class: "plot", id: `chart-${chart.id}`, tabindex: 0, role: "img", "aria-label": chart.title, on: {
      keydown: (event) => chart.plot && moveCursor(chart, event),
      blur: () => chart.plot?.setCursor({ left: -10, top: -10 }),
    } });
    find("charts").append(element("figure", {}, element("figcaption", {}, element("h3", {}, chart.title), chart.keys), chart.box));
  }
}

function drawCharts() {
  page.hour = hour();
  for (const chart of CHARTS) {
    const data = chart.data();
    // Where the package was built without uPlot, the figures are there and the charts are not.
    if (!window.uPlot) {
      chart.box.textContent = "This installation has no charts: it was built without `make uplot`.";
      continue;
    }
    if (chart.plot) chart.plot.setData(data);
    else chart.plot = new uPlot(optionsOf(chart, chart.box), data, chart.box);
    writeKeys(chart);
  }
}

function renewCharts() {
  for (const chart of CHARTS) {
    chart.plot?.destroy();
    chart.plot = null;
  }
  if (page.snapshot) drawCharts();
}

/* Sections */

function showState() {
  const late = Date.now() - page.receivedAt;
  const isStale = page.snapshot ? late > STALE_MS || Boolean(page.failure) : Boolean(page.failure);
  const state = isStale ? "stale" : page.snapshot ? "live" : "wait";
  find("state").dataset.state = state;
  write(find("state-text"), { stale: "Stale", live: "Live", wait: "Connecting" }[state]);
  find("banner").hidden = !isStale;
  const from = page.snapshot ? ` The figures are from ${clock(page.snapshot.at)}.` : "";
  if (isStale) write(find("banner"), `${page.failure || "The monitor does not answer."}${from}`);
  if (!page.snapshot) return;
  const now = page.snapshot;
  const lost = now.lost_lines ? ` · ${now.lost_lines} lines of the edge lost` : "";
  write(find("facts"), `generation ${now.generation} · measured for ${duration(now.at - now.started_at)}${lost}`);
}

function stackFigures(stack, now) {
  const { traffic } = stack;
  const lags = now.workers.filter((each) => each.slot.stack === stack.stack).map((each) => each.slot.lag_max_s).filter((lag) => lag !== null);
  const figures = [
    ["p50", seconds(traffic.p50_s)], ["p95", seconds(traffic.p95_s)], ["p99", seconds(traffic.p99_s)],
    ["errors/s", number(traffic.errors_per_s), traffic.errors_per_s > 0],
  ];
  if (stack.workers) figures.push(["busy", `${stack.workers_busy} of ${stack.workers}`, stack.workers_busy === stack.workers]);
  if (stack.queue_length !== null) figures.push(["queue", stack.queue_limit === null ? `${stack.queue_length}` : `${stack.queue_length} of ${stack.queue_limit}`]);
  if (traffic.queue_p95_s !== null) figures.push(["queue p95", seconds(traffic.queue_p95_s)]);
  if (lags.length) figures.push(["loop lag", seconds(Math.max(...lags))]);
  if (stack.stack === "asgi") figures.push(["WebSockets", `${stack.websockets}`], ["streams", `${stack.streams}`]);
  if (traffic.handovers_per_s) figures.push(["handovers/s", number(traffic.handovers_per_s)]);
  return figures;
}

function showStacks(now) {
  const stacks = now.stacks.filter((each) => each.stack !== "edge" || each.traffic.requests_per_s);
  fill(find("stacks"), stacks, (each) => each.stack, (each) => (
    element("article", { class: "stack", "data-stack": each.stack },
      element("div", { class: "first" },
        element("h2", {}, each.stack === "edge" ? "Edge" : each.stack.toUpperCase()),
        element("p", { class: "rate" }, element("span"), element("small", {}, " requests/s"))),
      element("dl", { class: "figures" }))
  ), (card, each) => {
    write(card.querySelector(".rate span"), number(each.traffic.requests_per_s));
    fill(card.querySelector("dl"), stackFigures(each, now), ([name]) => name,
      ([name]) => element("div", {}, element("dt", {}, name), element("dd")),
      (figure, [, text, isBad]) => {
        write(figure.lastChild, text);
        figure.lastChild.classList.toggle("bad", Boolean(isBad));
      });
  });
}

function paintStrip(canvas, strip) {
  const width = canvas.width = Math.max(1, Math.round(canvas.clientWidth * devicePixelRatio));
  const height = canvas.height = Math.max(1, Math.round(canvas.clientHeight * devicePixelRatio));
  const context = canvas.getContext("2d");
  const colors = [0, 1, 2, 3, 4].map((heat) => color(`heat-${heat}`));
  const step = width / STRIP_SAMPLES;
  context.fillStyle = colors[0];
  context.globalAlpha = 0.4;
  context.fillRect(0, 0, width, height);
  context.globalAlpha = 1;
  strip.forEach((heat, place) => {
    context.fillStyle = colors[heat];
    const left = (STRIP_SAMPLES - strip.length + place) * step;
    context.fillRect(Math.floor(left), 0, Math.max(1, Math.ceil(step) - devicePixelRatio), height);
  });
}

function showWorkers(now) {
  const place = ({ slot }) => (STACKS.includes(slot.stack) ? STACKS.indexOf(slot.stack) : STACKS.length);
  const workers = [...now.workers].sort((a, b) => place(a) - place(b) || a.slot.pid - b.slot.pid);
  find("no-workers").hidden = workers.length > 0;
  fill(find("workers"), workers, (each) => each.slot.pid, ({ slot }) => (
    element("li", { "data-stack": slot.stack },
      element("span", { class: "who" }, element("b", {}, slot.stack.toUpperCase()), ` ${slot.pid} `, element("span", { class: "soft" })),
      element("canvas", { class: "strip", "aria-hidden": "true" }),
      element("span", { class: "for" }),
      element("span", { class: "what" }, element("span", { class: "path" }), " ", element("span", { class: "soft" })),
      element("span", { class: "use" }))
  ), (row, { slot, cpu_percent: cpu, pss_mb: pss, rss_mb: rss }) => {
    const oldest = [...slot.in_flight].sort((a, b) => a.since - b.since)[0];
    write(row.querySelector(".who .soft"), slot.generation < now.generation ? `gen. ${slot.generation} drains` : "");
    write(row.querySelector(".for"), oldest ? seconds(Math.max(0, now.at - oldest.since)) : "");
    write(row.querySelector(".path"), oldest ? `${oldest.method} ${oldest.path}` : "");
    const more = slot.in_flight_count - 1;
    write(row.querySelector(".what .soft"), oldest ? (more > 0 ? `and ${more} more` : "") : "idle");
    row.querySelector(".what").title = oldest ? oldest.route : "";
    write(row.querySelector(".use"), `${Math.round(cpu)} % CPU · ${Math.round(pss ?? rss)} MB`);
    paintStrip(row.querySelector("canvas"), page.strips.get(slot.pid) ?? []);
  });
}

const COLUMNS = [
  { id: "route", title: "Route", value: (each) => each.route },
  { id: "stack", title: "Stack", value: (each) => each.stack, text: (each) => each.stack.toUpperCase() },
  { id: "requests_per_s", title: "Req/s", text: (each) => number(each.traffic.requests_per_s) },
  { id: "p50_s", title: "p50", text: (each) => seconds(each.traffic.p50_s) },
  { id: "p95_s", title: "p95", text: (each) => seconds(each.traffic.p95_s) },
  { id: "p99_s", title: "p99", text: (each) => seconds(each.traffic.p99_s) },
  { id: "queue_p95_s", title: "Queue", text: (each) => seconds(each.traffic.queue_p95_s) },
  { id: "errors_per_s", title: "Err/s", text: (each) => number(each.traffic.errors_per_s), isBad: (each) => each.traffic.errors_per_s > 0 },
  { id: "busy_workers", title: "Busy", text: (each) => number(each.traffic.busy_workers) },
  { id: "cpu_share", title: "CPU", text: (each) => percent(each.traffic.cpu_share) },
  { id: "handovers_per_s", title: "Handovers/s", text: (each) => number(each.traffic.handovers_per_s) },
  { id: "open", title: "Open", value: (each) => each.websockets + each.streams, text: (each) => `${each.websockets + each.streams}` },
];

function makeHead() {
  find("route-head").replaceChildren(...COLUMNS.map((column) => (
    element("th", { scope: "col", "data-column": column.id },
      element("button", { type: "button", on: { click: () => sortBy(column) } }, column.title))
  )));
}

function sortBy(column) {
  const falls = page.sort.column === column.id ? !page.sort.falls : !["route", "stack"].includes(column.id);
  page.sort = { column: column.id, falls };
  show();
}

function sorted(routes) {
  const column = COLUMNS.find((each) => each.id === page.sort.column);
  const value = column.value ?? ((each) => each.traffic[column.id] ?? -1);
  const sign = page.sort.falls ? -1 : 1;
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return [...routes].sort((a, b) => sign * compare(value(a), value(b)) || compare(a.route, b.route));
}

function showRoutes(now) {
  const wanted = find("filter").value.trim().toLowerCase();
  const routes = sorted(now.routes.filter((each) => `${each.stack} ${each.route}`.toLowerCase().includes(wanted)));
  for (const head of find("route-head").children) {
    const isSorted = head.dataset.column === page.sort.column;
    if (isSorted) head.setAttribute("aria-sort", page.sort.falls ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  fill(find("route-rows"), routes.slice(0, MOST_ROUTES), (each) => `${each.stack} ${each.route}`, (each) => (
    element("tr", { "data-stack": each.stack }, ...COLUMNS.map((column) => (column.id === "route"
      ? element("td", {}, element("button", { type: "button", class: "path", title: each.route, on: { click: () => focusOn(each.route) } }, each.route))
      : element("td", { class: column.id === "stack" ? "of" : null }))))
  ), (row, each) => {
    COLUMNS.forEach((column, place) => {
      const cell = row.children[place];
      if (column.id === "route") return cell.firstChild.setAttribute("aria-pressed", String(each.route === page.focus));
      write(cell, column.text(each));
      cell.classList.toggle("bad", Boolean(column.isBad?.(each)));
    });
  });
  const hidden = routes.length - MOST_ROUTES;
  const empty = now.routes.length ? `No route matches "${wanted}".` : "No request in the last minute.";
  find("no-routes").hidden = routes.length > 0 && hidden <= 0;
  find("no-routes").previousElementSibling.hidden = !routes.length;
  write(find("no-routes"), hidden > 0 ? `${hidden} further routes: filter them by a part of their name.` : empty);
}

function focusOn(route) {
  page.focus = page.focus === route ? null : route;
  page.sums = null;
  find("focus").hidden = page.focus === null;
  write(find("focus-route"), page.focus ?? "");
  show();
}

function showSlow(now) {
  const running = now.workers
    .flatMap(({ slot }) => slot.in_flight.map((each) => ({ ...each, stack: slot.stack, more: `pid ${slot.pid}`, took: now.at - each.since })))
    .sort((a, b) => b.took - a.took).slice(0, MOST_SLOW);
  const finished = [...now.slow].sort((a, b) => b.duration_s - a.duration_s).slice(0, MOST_SLOW).map((each) => ({
    ...each, took: each.duration_s,
    more: [
      `${each.status} at ${clock(each.at)}`, each.queue_s === null ? null : `${seconds(each.queue_s)} in the queue`,
      each.cpu_s === null ? null : `${seconds(each.cpu_s)} on the CPU`,
    ].filter(Boolean).join(" · "),
  }));
  showRequests("progress", running);
  showRequests("finished", finished);
}

function showRequests(id, requests) {
  find(`no-${id}`).hidden = requests.length > 0;
  const keyOf = (each) => `${each.at ?? each.since} ${each.more} ${each.path} ${each.request_id}`;
  fill(find(id), requests, keyOf, (each) => (
    element("li", { "data-stack": each.stack },
      element("span", { class: "took" }),
      element("span", { class: "path" }, `${each.method} ${each.path}`),
      element("span", { class: "more" }, element("b", {}, each.stack.toUpperCase()), ` ${each.more}`,
        !each.route || each.route === each.path ? null : ` · ${each.route}`, each.request_id ? ` · id ${each.request_id}` : null))
  ), (row, each) => write(row.firstChild, seconds(Math.max(0, each.took))));
}

// A monitor of an older version has no shifts.
function showShifts(now) {
  const shifts = now.shifts ?? [];
  find("shifts").hidden = !shifts.length;
  fill(find("shift-rows"), shifts, (each) => each.route, (each) => (
    element("li", {},
      element("p", { class: "shift-head" }, element("code", {}, each.route), element("span", { class: "state" })),
      element("progress", { max: 100, "aria-label": `Share of the clients of ${each.route}` }),
      element("p", { class: "sides" }), element("p", { class: "more" }))
  ), (row, each) => {
    row.dataset.state = each.state;
    row.dataset.stack = each.to;
    write(row.querySelector(".state"), `${each.percent} % on ${each.to.toUpperCase()} · ${each.state}, step ${each.step} of ${each.steps}`);
    row.querySelector("progress").value = each.percent;
    const sides = [[each.to, each.on_trial], [each.home, each.at_home]];
    write(row.querySelector(".sides"), sides.map(([stack, side]) => (
      `${stack.toUpperCase()}: ${count(side.requests)} requests, ${count(side.failed)} failed, p95 ${seconds(side.p95_s)}`
    )).join(" · "));
    write(row.querySelector(".more"), each.reason);
  });
}

function showMarks(now) {
  find("marks").hidden = !now.marks.length;
  fill(find("mark-rows"), [...now.marks].reverse(), (each) => `${each.at} ${each.kind}`,
    (each) => element("li", {}, element("time", { datetime: new Date(1000 * each.at).toISOString() }, clock(each.at)), ` ${each.text}`),
    () => {});
}

function show() {
  showState();
  const now = page.snapshot;
  if (!now) return;
  showStacks(now);
  drawCharts();
  showMarks(now);
  showShifts(now);
  showWorkers(now);
  showRoutes(now);
  showSlow(now);
}

/* The life of the page */

let historyMinute = 0;

async function update() {
  await readSnapshot();
  const minute = Math.floor((page.snapshot?.at ?? 0) / 60);
  if (page.snapshot && !page.failure && minute !== historyMinute) {
    const missed = Math.min(HISTORY_MINUTES, minute - historyMinute + OVERLAP_MINUTES);
    historyMinute = minute;
    await readHistory(missed);
  }
  show();
}

// Not by an interval: a monitor that answers late is not asked twice at once.
async function run() {
  if (!document.hidden) await update();
  setTimeout(run, SNAPSHOT_MS);
}

// The token of the URL is in a cookie now.
if (location.search || location.hash) history.replaceState(null, "", location.pathname);
makeCharts();
makeHead();
find("filter").addEventListener("input", show);
find("unfocus").addEventListener("click", () => {
  focusOn(page.focus);
  find("charts").querySelector(".plot").focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renewCharts);
document.addEventListener("visibilitychange", () => document.hidden || update());
new ResizeObserver(() => {
  for (const { plot, box } of CHARTS) if (plot && plot.width !== box.clientWidth) plot.setSize({ width: box.clientWidth, height: box.clientHeight });
}).observe(find("charts"));
await readGauges();
run();
