// Keeps the test bench page up to date: fetches it again each second and after every form, and moves over what has changed.
// Without it the page works too, by reloading. Nothing is rendered here but the seconds of the clock.
"use strict";

(() => {
  const POLL_MILLISECONDS = 1000;
  const TICK_MILLISECONDS = 200;
  const TYPING_MILLISECONDS = 300;
  const NOTICE_MILLISECONDS = 6000;
  const live = document.getElementById("live");
  let busy = 0;
  let turn = 0;
  // The address that is shown, and the tag that the server gave its answer.
  let last = {};
  let ticking = { from: 0, since: 0, runs: false };

  // --- the clock ---

  const spelled = (seconds) => new Date(seconds * 1000).toISOString();
  const reached = () => ticking.from + (ticking.runs ? (performance.now() - ticking.since) / 1000 : 0);

  const readClock = () => {
    const clock = document.getElementById("clock");
    const now = Number(clock.dataset.now);
    const runs = clock.dataset.mode !== "frozen";
    // An answer is up to a second behind: only what cannot be explained by that is a move.
    if (runs !== ticking.runs || Math.abs(now + 0.5 - reached()) > 1) {
      ticking = { from: now, since: performance.now(), runs };
    }
    showClock();
  };

  const showClock = () => {
    const text = spelled(Math.floor(reached()));
    for (const [id, part] of [["clock-date", text.slice(0, -14)], ["clock-time", text.slice(-13, -5)]]) {
      const shown = document.getElementById(id);
      if (shown.textContent !== part) shown.textContent = part;
    }
  };

  // --- moving over what has changed, so that focus, open menus and what is being typed stay ---

  const KEPT = new Set(["open"]);

  const moveAttributes = (from, to) => {
    for (const { name } of [...to.attributes]) {
      if (!from.hasAttribute(name) && !KEPT.has(name)) to.removeAttribute(name);
    }
    for (const { name, value } of from.attributes) {
      if (to.getAttribute(name) !== value && !KEPT.has(name)) to.setAttribute(name, value);
    }
  };

  const isAlike = (one, other) => one.nodeName === other.nodeName && (one.id || "") === (other.id || "");

  const moveOver = (from, to) => {
    if (from.nodeType === Node.TEXT_NODE) {
      if (to.data !== from.data) to.data = from.data;
      return;
    }
    if (from.nodeType !== Node.ELEMENT_NODE || from.isEqualNode(to)) return;
    moveAttributes(from, to);
    const named = new Map([...to.children].filter((child) => child.id).map((child) => [child.id, child]));
    let place = to.firstChild;
    for (const child of [...from.childNodes]) {
      const known = child.id ? named.get(child.id) : null;
      const old = known || (place && !named.has(place.id) && isAlike(child, place) ? place : null);
      if (!old) {
        to.insertBefore(child, place);
        continue;
      }
      if (old === place) place = place.nextSibling;
      else to.insertBefore(old, place);
      moveOver(child, old);
    }
    while (place) {
      const next = place.nextSibling;
      place.remove();
      place = next;
    }
  };

  const show = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const parts = [...fresh.querySelectorAll("[data-live]")];
    for (const part of parts) {
      const old = document.getElementById(part.id);
      if (old) moveOver(part, old);
    }
    // The addresses of forms carry what the page is asked to show.
    const forms = [...fresh.querySelectorAll("main form[method=post]")];
    const olds = [...document.querySelectorAll("main form[method=post]")];
    if (forms.length === olds.length) forms.forEach((form, index) => olds[index].setAttribute("action", form.getAttribute("action")));
    document.title = fresh.title;
    readClock();
    return parts.length > 0 ? fresh : null;
  };

  // --- fetching ---

  const connected = (isConnected) => {
    live.hidden = false;
    live.classList.toggle("lost", !isConnected);
    document.getElementById("live-text").textContent = isConnected ? "Live" : "Not connected";
  };

  const fetched = async (address, options) => {
    const mine = ++turn;
    busy += 1;
    try {
      const isPoll = !options && address === last.address;
      const headers = { accept: "text/html", ...(isPoll && last.tag ? { "if-none-match": last.tag } : {}) };
      const response = await fetch(address, { credentials: "same-origin", cache: "no-store", headers, ...options });
      const html = await response.text();
      // What was asked for earlier is older, however late it comes.
      if (response.status >= 500) throw new Error(html);
      if (mine === turn && response.status === 304) connected(true);
      else if (mine === turn) {
        last = options ? {} : { address, tag: response.headers.get("etag") };
        const fresh = show(html);
        if (!fresh) window.location.reload();
        connected(true);
        return { response, fresh };
      }
      return { response, fresh: null };
    } catch {
      connected(false);
      return null;
    } finally {
      busy -= 1;
    }
  };

  const follow = () => {
    if (busy === 0 && !document.hidden) fetched(location.pathname + location.search);
  };

  // What was refused stays until the next form; what was done, for as long as it takes to read.
  let reading = 0;
  const dismiss = () => {
    clearTimeout(reading);
    reading = setTimeout(() => { document.getElementById("notice").hidden = true; }, NOTICE_MILLISECONDS);
  };

  const say = (fresh) => {
    for (const said of fresh.querySelectorAll("#notice, [id^=refused-]")) {
      const shown = document.getElementById(said.id);
      if (!shown) continue;
      shown.textContent = said.textContent;
      shown.hidden = said.hidden;
    }
    dismiss();
  };

  const keepFocus = (section) => {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost) document.getElementById(section)?.focus({ preventScroll: true });
  };

  const send = async (form, submitter) => {
    const values = new URLSearchParams(new FormData(form));
    if (submitter?.name) values.append(submitter.name, submitter.value);
    const section = form.closest("section")?.id;
    const answer = await fetched(submitter?.getAttribute("formaction") || form.action, { method: "POST", body: values });
    if (!answer?.fresh) return;
    say(answer.fresh);
    if (answer.response.ok) {
      // What was done is said once; the address goes on asking for what it shows.
      const address = new URL(answer.response.url);
      address.searchParams.delete("done");
      history.replaceState(null, "", address.pathname + address.search);
      form.reset();
      form.closest("details.menu")?.removeAttribute("open");
    }
    keepFocus(section);
  };

  const view = (address) => {
    history.replaceState(null, "", address);
    fetched(location.pathname + location.search);
  };

  const viewOf = (form) => {
    const asked = new URLSearchParams(location.search);
    for (const field of form.querySelectorAll("input[type=search]")) {
      if (field.value) asked.set(field.name, field.value);
      else asked.delete(field.name);
    }
    return `${location.pathname}?${asked}`;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest("main")) return;
    event.preventDefault();
    if (form.method === "get") view(viewOf(form));
    else send(form, event.submitter);
  });

  let typing = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-view]");
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => view(viewOf(form)), TYPING_MILLISECONDS);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-view]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      view(link.getAttribute("href").split("#")[0]);
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
  });

  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("details.menu[open]");
    if (!menu) return;
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });

  document.addEventListener("visibilitychange", follow);
  readClock();
  dismiss();
  connected(true);
  setInterval(showClock, TICK_MILLISECONDS);
  setInterval(follow, POLL_MILLISECONDS);
})();
