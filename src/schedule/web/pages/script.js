// Adds to pages what they can do without: live updates, local times, the search in lists and logs.
// Pages are complete without it. Nothing is drawn here: what has changed is asked of the server and put in place of what was.
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const SOON = 1000;        // At most one look a second, however much happens.
  const RETRY = 5000;       // After a stream that the browser does not open again by itself.

  // --- Times -------------------------------------------------------------------------------------------------------------------
  const units = [[63072000, 31536000, "years"], [5184000, 2592000, "months"], [172800, 86400, "days"], [3600, 3600, "h"], [60, 60, "min"], [5, 1, "s"]];
  // The server's clock counts, not the reader's.
  const ahead = Number(document.body.dataset.now || 0) * 1000 - Date.now();

  function distance(moment) {
    const seconds = Math.trunc((moment - (Date.now() + ahead)) / 1000);
    const size = Math.abs(seconds);
    const unit = units.find(([from]) => size >= from);
    if (!unit) return "now";
    const words = `${Math.floor(size / unit[1])} ${unit[2]}`;
    return seconds < 0 ? `${words} ago` : `in ${words}`;
  }

  function ages() {
    for (const time of all("time[data-age]")) {
      const words = distance(Date.parse(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
  }

  function local(root) {
    for (const time of all("time[data-local]", root)) {
      if (time.dataset.local === "done") continue;
      time.dataset.local = "done";
      const here = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
      time.title = `${time.title} · ${here} here`;
    }
  }

  // --- Live parts --------------------------------------------------------------------------------------------------------------
  let due = null;
  let looking = false;
  let again = false;

  function say(words) {
    const place = document.getElementById("connection");
    if (place && place.textContent !== words) place.textContent = words;
  }

  // What a reader has opened, chosen or scrolled stays so.
  function take(old, fresh) {
    const closed = new Map(all("details", old).map((each, at) => [at, each.open]));
    const scrolled = all(".scroll, pre", old).map((each) => each.scrollLeft);
    const focused = old.contains(document.activeElement) ? path(old, document.activeElement) : null;
    old.replaceChildren(...Array.from(fresh.childNodes, (node) => document.importNode(node, true)));
    all("details", old).forEach((each, at) => { if (closed.has(at)) each.open = closed.get(at); });
    all(".scroll, pre", old).forEach((each, at) => { each.scrollLeft = scrolled[at] || 0; });
    if (focused) {
      const again = focused.reduce((node, at) => (node ? node.children[at] : null), old);
      if (again && again.focus) again.focus({ preventScroll: true });
    }
    local(old);
    lanes(old);
  }

  // A lane of the timeline is one stop of the keyboard: its latest run, or the one that has the focus.
  function lanes(root) {
    for (const track of all(".track", root)) {
      const links = all("a", track);
      const stop = links.includes(document.activeElement) ? document.activeElement : links.at(-1);
      for (const link of links) link.setAttribute("tabindex", link === stop ? "0" : "-1");
    }
  }

  document.addEventListener("keydown", (event) => {
    const link = event.target.closest?.(".track a");
    if (!link || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const track = link.closest(".track");
    const links = all("a", track);
    const at = links.indexOf(link);
    const next = { ArrowLeft: links[at - 1], ArrowRight: links[at + 1], Home: links[0], End: links.at(-1) }[event.key];
    if (!next) return;
    event.preventDefault();
    next.focus();
    lanes(track.parentElement);
  });

  function path(root, node) {
    const way = [];
    for (let at = node; at && at !== root; at = at.parentElement) way.unshift(Array.from(at.parentElement.children).indexOf(at));
    return way;
  }

  // A form that somebody fills in is not taken away.
  function busy(part) {
    const active = document.activeElement;
    return part.contains(active) && active.matches("input, select, textarea");
  }

  async function look() {
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all("[data-live]")) {
        const other = part.id && fresh.getElementById(part.id);
        if (!other || busy(part) || same(part, other)) continue;
        take(part, other);
      }
      filter();
      say("");
      // What a worker tells stands in the log too, but is told as an event and not as a line.
      read();
    } catch {
      say("· The server does not answer; what you see may be old.");
      soon(RETRY);
    } finally {
      looking = false;
      if (again) { again = false; soon(SOON); }
    }
  }

  // Hints with local times and ages change here and not on the server; they do not count.
  function same(part, other) {
    const plain = (node) => {
      const copy = node.cloneNode(true);
      for (const time of all("time", copy)) { time.title = ""; time.textContent = ""; delete time.dataset.local; }
      for (const each of all("details", copy)) each.removeAttribute("open");
      for (const key of all("input[name=key]", copy)) key.removeAttribute("value");
      for (const row of all(".hidden", copy)) row.classList.remove("hidden");
      for (const link of all(".track a", copy)) link.removeAttribute("tabindex");
      for (const row of all("[hidden]", copy)) row.removeAttribute("hidden");
      return copy.innerHTML.replaceAll(' class=""', "").replaceAll(' data-local=""', "");
    };
    return plain(part) === plain(other);
  }

  function soon(wait = SOON) {
    if (due !== null) return;
    due = setTimeout(() => { due = null; if (document.hidden) { again = true; } else { look(); } }, wait);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && again) { again = false; look(); }
  });

  // --- Log ---------------------------------------------------------------------------------------------------------------------
  const log = document.querySelector("[data-log]");
  const search = document.querySelector("[data-log-search]");
  const pause = document.querySelector("[data-log-pause]");
  const MOST_LINES = 5000;
  let paused = false;
  let reading = false;
  let more = false;

  function mark(root) {
    const words = search ? search.value.trim().toLowerCase() : "";
    let found = 0;
    for (const line of all("li", root)) {
      const fits = words === "" || line.textContent.toLowerCase().includes(words);
      line.classList.toggle("hidden", !fits);
      line.classList.toggle("found", fits && words !== "");
      if (fits) found += 1;
    }
    return found;
  }

  function count() {
    const place = document.getElementById("log-found");
    if (!place || !search) return;
    place.textContent = search.value.trim() === "" ? "" : `${mark(log)} lines`;
  }

  async function read() {
    if (!log || paused) return;
    if (reading) { more = true; return; }
    reading = true;
    try {
      const list = log.querySelector("ol");
      for (let parts = 0; parts < 40 && list.dataset.ended !== "true"; parts += 1) {
        const from = list.dataset.next;
        const answer = await fetch(`${log.dataset.log}?from=${from}`, { cache: "no-store", credentials: "same-origin" });
        if (!answer.ok) break;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("ol");
        if (!fresh) break;
        const end = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        list.append(...Array.from(fresh.children, (node) => document.importNode(node, true)));
        while (list.childElementCount > MOST_LINES) list.firstElementChild.remove();
        list.dataset.next = fresh.dataset.next;
        list.dataset.ended = fresh.dataset.ended;
        if (list.childElementCount > 0) for (const words of all("[data-log-empty]")) words.remove();
        if (search && search.value.trim() !== "") count();
        if (end) log.scrollTop = log.scrollHeight;
        if (fresh.dataset.next === from) break;
      }
    } catch {
      // The next news asks again.
    } finally {
      reading = false;
      if (more) { more = false; setTimeout(read, 250); }
    }
  }

  if (log) {
    if (search) { search.hidden = false; search.addEventListener("input", () => { mark(log); count(); }); }
    if (pause && log.querySelector("ol").dataset.ended !== "true") {
      pause.hidden = false;
      pause.addEventListener("click", () => {
        paused = !paused;
        pause.setAttribute("aria-pressed", String(paused));
        pause.textContent = paused ? "Go on" : "Pause";
        if (!paused) read();
      });
    }
    log.scrollTop = log.scrollHeight;
  }

  // --- Lists -------------------------------------------------------------------------------------------------------------------
  const box = document.querySelector("[data-filter]");

  function filter() {
    if (!box) return;
    const words = box.value.trim().toLowerCase();
    for (const row of all(box.dataset.filter)) row.hidden = words !== "" && !row.textContent.toLowerCase().includes(words);
  }

  if (box) box.addEventListener("input", filter);

  // A button works once; the page that follows has new ones.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    setTimeout(() => { for (const button of all("button", event.target)) button.disabled = true; }, 0);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) for (const button of all("button[disabled]")) button.disabled = false;
  });

  // --- The stream of news ------------------------------------------------------------------------------------------------------
  const events = document.body.dataset.events || "";

  function listen() {
    const stream = new EventSource(events ? `/api/events?${events}` : "/api/events");
    let broken = false;
    const heard = () => soon();
    for (const kind of ["state", "job", "run", "worker", "lagged"]) stream.addEventListener(kind, heard);
    stream.addEventListener("log", () => { read(); });
    stream.addEventListener("end", async () => {
      // The run has ended, or the stream has lasted as long as it may.
      stream.close();
      await read();
      await look();
      const over = events.startsWith("run=") && log && log.querySelector("ol").dataset.ended === "true";
      if (!over) setTimeout(listen, SOON);
    });
    stream.addEventListener("open", () => {
      // What happened while the stream was broken is looked at now.
      if (broken) { broken = false; look(); read(); }
      say("");
    });
    stream.addEventListener("error", () => {
      broken = true;
      say("· No live updates; trying again.");
      if (stream.readyState === EventSource.CLOSED) { stream.close(); setTimeout(() => { listen(); look(); read(); }, RETRY); }
    });
    window.addEventListener("pagehide", () => stream.close(), { once: true });
  }

  for (const words of all("[data-keys]")) words.hidden = false;
  lanes(document);
  local(document);
  ages();
  setInterval(ages, 5000);
  if (document.body.dataset.events !== undefined) listen();
})();
