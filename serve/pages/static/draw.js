// What the page shows, made from plain JSON. Every text goes in as a text node, so whatever a job
// calls itself stays text. Nothing here asks the server.

const ROWS = [
  ["running", ["running", "reviewing"]], ["ready", ["ready"]], ["waiting", ["waiting"]],
  ["delayed", ["delayed"]], ["blocked", ["blocked"]], ["failed", ["failed"]],
  ["succeeded", ["succeeded"]], ["unverified", ["unverified"]], ["dropped", ["cancelled", "skipped"]],
];
const LANES = ["P0", "P1", "P2", "P3", "P4", "P5"];
const US = 1e6;

export function el(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") node.addEventListener("click", value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const span = (cls, text, more = {}) => el("span", { class: cls, ...more }, String(text));

export function length(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor((s % 3600) / 60)}m`;
  return `${Math.floor(s / 86400)}d ${Math.floor((s % 86400) / 3600)}h`;
}

// A text that grows older by itself: `tick` writes it anew each second.
function age(cls, at, before = "", behind = "") {
  return span(cls, "", { "data-at": at, "data-before": before, "data-behind": behind });
}

export function tick(root) {
  const now = Date.now() / 1000;
  for (const node of root.querySelectorAll("[data-at]")) {
    const at = Number(node.dataset.at) / US;
    const text = at > now ? `in ${length(at - now)}` : length(now - at) + node.dataset.behind;
    node.textContent = node.dataset.before + text;
  }
}

export const short = (id) => id.slice(-8);
const title = (job) => job.name || job.step || argv(job.spec) || job.mode || job.kind;
const argv = (spec) => (spec?.run || []).join(" ") || spec?.sh || spec?.prompt || spec?.wait?.ask || "";
const cost = (job) => (job.cost_usd ? ` · $${job.cost_usd.toFixed(job.cost_usd < 0.1 ? 4 : 2)}` : "");

export function running(job, line, cancel) {
  return el("li", { "data-job": job.id },
    el("div", { class: "line" },
      span("lane", job.lane, { "data-lane": job.lane }),
      span("name", title(job), { title: title(job) }),
      age("word push", job.started_at),
      el("button", { type: "button", class: "small", on: () => cancel(job), "aria-label": `Cancel ${title(job)}` }, "Cancel")),
    el("div", { class: "meta" }, place(job)),
    line ? el("div", { class: "tail" }, line) : null);
}

function place(job) {
  const attempt = job.epoch > 1 ? ` · attempt ${job.epoch}` : "";
  const asks = job.backend === "llm" || job.backend === "council";
  return `${short(job.id)} · ${job.cwd || (asks ? job.backend : "a fresh directory")}${attempt}`;
}

export function recent(job) {
  const why = job.error?.message || (job.cancel_requested_at && job.state === "running" ? "Cancel requested" : "");
  return el("li", {},
    el("div", { class: "line" },
      span("lane", job.lane, { "data-lane": job.lane }),
      span("name", title(job), { title: title(job) }),
      span("word push", standing(job), { "data-state": stands(job) })),
    el("div", { class: "line" },
      span("meta", `${short(job.id)} · ${job.project}${cost(job)}`),
      age("meta push", job.finished_at || job.created_at, "", " ago")),
    why ? el("div", { class: "meta whole" }, why) : null);
}

// A claim that nobody confirmed is not shown as done.
const stands = (job) => (job.reason === "unverified" ? "unverified" : job.state);

function standing(job) {
  const took = job.started_at && job.finished_at ? ` in ${spell(job)}` : "";
  const state = stands(job);
  return (job.reason && job.reason !== state ? `${state} (${job.reason.replaceAll("_", " ")})` : state) + took;
}

function spell(job) {
  const seconds = (job.finished_at - job.started_at) / US;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)}s` : length(seconds);
}

export function decision(asked, answer) {
  const option = (text) => el("button", { type: "button", on: () => answer(asked, text) },
    text === asked.default ? `${text} (default)` : text);
  const about = [`job ${short(asked.job)}`];
  const risk = asked.risk && asked.risk !== "low" ? span(`risk-${asked.risk}`, `${asked.risk} risk · `) : null;
  const field = el("input", { "aria-label": "Your answer", placeholder: "Your answer" });
  return el("li", { class: "card" },
    el("div", { class: "question" }, asked.question),
    el("div", { class: "meta" }, risk, about.join(" "), age("", asked.created_at, " · asked ", " ago"),
      asked.deadline_at ? age("", asked.deadline_at, " · decides itself ") : null),
    el("div", { class: "choice" }, ...(asked.options.length ? asked.options.map(option)
      : [field, el("button", { type: "button", on: () => field.value && answer(asked, field.value) }, "Answer")])));
}

export function worker(one) {
  const name = one.directory ? one.directory.split("/").at(-1) : one.name.replace("session/", "");
  return el("li", { title: one.directory || one.name },
    el("div", { class: "line" },
      span("name", name),
      span("word push", one.state, { "data-state": one.state })),
    el("div", { class: "line" },
      span("meta", `${one.backend} · ${one.jobs} ${one.jobs === 1 ? "job" : "jobs"} · ${one.directory || "fresh directories"}`),
      age("meta push", one.used_at || one.born_at, "", " ago")));
}

// Rows are states and columns are lanes: seven short numbers fit on a phone.
export function lanes(counts) {
  const of = (states, lane) => states.reduce((n, state) => n + (counts[state]?.[lane] || 0), 0);
  const number = (n, cls) => el("td", { class: n ? cls : "none" }, n ? n.toLocaleString("en") : "·");
  const row = ([name, states]) => {
    const each = LANES.map((lane) => of(states, lane));
    const all = each.reduce((n, m) => n + m, 0);
    return el("tr", {}, el("td", {}, span("word", name, { "data-state": all ? name : null })),
      ...[...each, all].map((n) => number(n, name === "failed" ? "bad" : null)));
  };
  const head = LANES.map((lane) => el("th", { scope: "col" }, span("lane", lane, { "data-lane": lane })));
  return [el("tr", {}, el("th", {}), ...head, el("th", { scope: "col" }, "all")), ...ROWS.map(row)];
}

export function slots(used, all) {
  return Array.from({ length: Math.min(all, 60) }, (_, n) => el("i", { class: n < used ? "used" : null }));
}

export function empty(text, command) {
  return el("li", { class: "empty" }, text, command ? el("code", {}, command) : null);
}
