// The state page: asks /v1 for what it shows, follows the events, and asks again when one comes.

import * as draw from "./draw.js";

const $ = (id) => document.getElementById(id);
const QUIET_MS = 700; // events that come closer together are answered by one look
const AGAIN_MS = 3000;
const RECENT = 15;
const TAIL_BYTES = 2000;

let formKey = "";
let source = null;
let looking = false;
let lookAgain = false;
let lastLook = 0;
const lines = new Map(); // job id to its last line of output

class Refused extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || `The house answered ${status}.`);
    this.status = status;
  }
}

async function ask(path, body) {
  const post = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Heliograph-Form": formKey },
    body: JSON.stringify(body),
  };
  const answer = await fetch(path, post);
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(told, answer.status);
  return told;
}

// -- what is shown ---------------------------------------------------------------------------

function fill(id, nodes, nothing) {
  const list = $(id);
  const kept = list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  list.replaceChildren(...(nodes.length ? nodes : nothing ? [nothing] : []));
  if (kept) list.querySelector(`[aria-label="${CSS.escape(kept)}"]`)?.focus();
}

function showState(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

function showHouse(status) {
  const state = status.halted_at ? "halted" : status.paused_at ? "paused" : status.ready ? "ready" : "away";
  showState(state, { halted: "Halted", paused: "Paused", ready: "Ready", away: "Starting" }[state]);
  const stopped = state === "halted" || state === "paused";
  $("pause").hidden = stopped;
  $("resume").hidden = !stopped;
  $("halt").hidden = state === "halted";
  $("notice").hidden = !stopped;
  $("notice").dataset.state = state;
  $("notice").textContent = state === "halted"
    ? "Everything is stopped, also after a restart. Resume lets the house work again."
    : "What runs goes on; nothing new is started. Resume lifts it.";
  $("about").textContent = `Heliograph ${status.version} · term ${status.term} · event ${status.last_seq}`;
  $("slots-count").textContent = `${status.running} of ${status.slots} slots`;
  $("slots").replaceChildren(...draw.slots(status.running, status.slots));
  $("lanes").replaceChildren(...draw.lanes(status.counts));
  document.title = status.open_decisions ? `(${status.open_decisions}) Heliograph` : "Heliograph";
}

function showRunning(jobs) {
  const tasks = jobs.filter((job) => job.kind === "task")
    .sort((a, b) => a.lane.localeCompare(b.lane) || a.started_at - b.started_at);
  fill("running", tasks.map((job) => draw.running(job, lines.get(job.id), cancel)),
    draw.empty("Nothing runs. Give it something: ", "helio job submit -- echo hello"));
  for (const id of lines.keys()) if (!tasks.some((job) => job.id === id)) lines.delete(id);
  for (const job of tasks) if (!lines.has(job.id)) readTail(job.id);
}

function showDecisions(open) {
  $("decisions-panel").hidden = !open.length;
  $("decisions-count").textContent = open.length || "";
  if ($("decisions").contains(document.activeElement) && document.activeElement.value) return;
  fill("decisions", open.map((asked) => draw.decision(asked, answer)));
}

function showWorkers(workers) {
  $("workers-count").textContent = workers.length || "";
  fill("workers", workers.map(draw.worker), draw.empty("No workers yet. They come with the first job."));
}

// -- looking -----------------------------------------------------------------------------------

async function look() {
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  lastLook = Date.now();
  try {
    const [status, running, recent, decisions, workers] = await Promise.all([
      ask("/v1/status"),
      ask("/v1/jobs?states=running&states=reviewing&limit=100"),
      ask("/v1/jobs?limit=40"),
      ask("/v1/decisions?state=open"),
      ask("/v1/workers"),
    ]);
    showHouse(status);
    showRunning(running.items);
    const others = recent.items.filter((job) => job.state !== "running").slice(0, RECENT);
    fill("recent", others.map(draw.recent), draw.empty("No jobs yet. The first one: ", "helio job submit -- date"));
    showDecisions(decisions.items);
    showWorkers(workers.items);
    draw.tick(document);
  } catch (fault) {
    if (fault.status === 401) return door();
    showState("away", "Does not answer");
    setTimeout(source?.readyState === EventSource.OPEN ? look : follow, AGAIN_MS);
  } finally {
    looking = false;
  }
  if (lookAgain) soon();
}

function soon() {
  lookAgain = false;
  clearTimeout(soon.timer);
  soon.timer = setTimeout(look, Math.max(0, lastLook + QUIET_MS - Date.now()));
}

async function readTail(id) {
  lines.set(id, "");
  const page = await ask(`/v1/jobs/${id}/log?tail=${TAIL_BYTES}`).catch(() => null);
  if (page) showLine(id, page.text);
}

function showLine(id, text) {
  const line = text.trimEnd().split("\n").at(-1);
  if (!line || !lines.has(id)) return;
  lines.set(id, line);
  const row = document.querySelector(`[data-job="${CSS.escape(id)}"]`);
  if (!row) return;
  const tail = row.querySelector(".tail") || row.appendChild(draw.el("div", { class: "tail" }));
  tail.textContent = line;
}

function follow() {
  source?.close();
  source = new EventSource("/v1/events/stream?passing=true&named=false");
  source.onopen = look;
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.kind === "job.output") showLine(event.subject, event.data.text);
    else soon();
  };
  source.onerror = () => {
    showState("away", "Connecting");
    if (source.readyState === EventSource.CLOSED) setTimeout(look, AGAIN_MS); // it tells why
  };
}

// -- what the owner does -------------------------------------------------------------------------

async function act(path, body) {
  try {
    const told = await ask(path, body);
    soon();
    return told;
  } catch (fault) {
    if (fault.status === 401) return door();
    toast(fault.message);
    soon();
  }
}

function sure(title, text, yes) {
  $("sure-title").textContent = title;
  $("sure-text").textContent = text;
  $("sure-yes").textContent = yes;
  $("sure").returnValue = "no";
  $("sure").showModal();
  return new Promise((resolve) => {
    $("sure").addEventListener("close", () => resolve($("sure").returnValue === "yes"), { once: true });
  });
}

async function halt() {
  const text = "Every agent and every process is ended now, and nothing starts until you resume. Their jobs go back to the queue.";
  if (await sure("Halt everything?", text, "Halt now")) await act("/v1/house/halt", { by: "page" });
}

async function cancel(job) {
  const name = job.name || draw.short(job.id);
  if (await sure("Cancel this job?", `${name}: its processes are ended, and it will not start again.`, "Cancel the job")) {
    await act(`/v1/jobs/${job.id}/cancel`, { by: "page" });
  }
}

const answer = (asked, option) =>
  act(`/v1/decisions/${asked.id}/answer`, { option, version: asked.version, by: "page" });

function toast(text) {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { $("toast").hidden = true; }, 6000);
}

// -- the door ------------------------------------------------------------------------------------

function show(inside) {
  $("house").hidden = $("switches").hidden = $("leave").hidden = !inside;
  $("door").hidden = inside;
}

function door(fault = "") {
  source?.close();
  show(false);
  showState("away", "Closed");
  $("fault").textContent = fault;
  $("token").value = "";
  $("token").focus();
}

async function enter(proof) {
  try {
    formKey = (await ask("/login", proof)).form_key;
  } catch (fault) {
    return door(fault.message);
  }
  if (!formKey) return door();
  show(true);
  follow();
}

$("login").addEventListener("submit", (event) => {
  event.preventDefault();
  enter({ token: $("token").value.trim() });
});
$("leave").addEventListener("click", () => act("/logout", {}).then(() => door()));
$("halt").addEventListener("click", halt);
$("pause").addEventListener("click", () => act("/v1/house/pause", { by: "page" }));
$("resume").addEventListener("click", () => act("/v1/house/resume", { by: "page" }));
document.addEventListener("visibilitychange", () => {
  if ($("house").hidden) return;
  if (document.hidden) source?.close();
  else follow();
});
setInterval(() => draw.tick(document), 1000);

const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
if (ticket) history.replaceState(null, "", location.pathname);
enter(ticket ? { ticket } : undefined);
