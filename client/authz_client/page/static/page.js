// The page in motion: it shows what changed, counts down, and copies. Without it the page reloads by itself.
"use strict";

const BUSY_MS = 1000;
const CALM_MS = 5000;
const panel = document.getElementById("panel");
const news = document.getElementById("news");
const lost = document.getElementById("lost");

let shownAt = performance.now();

function current() {
  return panel.querySelector("[data-version]");
}

function enliven() {
  shownAt = performance.now();
  for (const button of panel.querySelectorAll("[data-copies]")) {
    button.hidden = false;
  }
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    if (!document.execCommand("copy")) {
      return;
    }
  }
  button.textContent = "Copied";
  news.textContent = "User Code copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function countDown() {
  for (const time of panel.querySelectorAll("[data-countdown]")) {
    const gone = (performance.now() - shownAt) / 1000;
    const left = Math.max(0, Math.floor(Number(time.dataset.countdown) - gone));
    time.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  }
}

async function swap() {
  const answer = await fetch("/panel");
  if (!answer.ok) {
    throw new Error(answer.statusText);
  }
  const html = await answer.text();
  const hadFocus = panel.contains(document.activeElement);
  const before = current().dataset.summary;
  panel.innerHTML = html;
  enliven();
  const after = current().dataset.summary;
  if (after !== before) {
    news.textContent = after;
  }
  if (hadFocus) {
    panel.querySelector("h2")?.focus();
  }
}

async function look() {
  try {
    const answer = await fetch("/status.json");
    if (answer.ok) {
      const seen = await answer.json();
      if (seen.version !== current().dataset.version) {
        await swap();
      }
    } else if (answer.status === 503) {
      location.replace("/?back");
    }
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  }
}

async function watch() {
  if (!document.hidden) {
    await look();
  }
  setTimeout(watch, current().dataset.busy === "yes" ? BUSY_MS : CALM_MS);
}

panel.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copies]");
  if (button !== null) {
    void copy(button);
  }
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) { void look(); } });
addEventListener("online", () => {
  // The connection's return: as if the page were opened, which refreshes a license at once, at most once a minute.
  if (panel.querySelector('form[action="/refresh"]') !== null) {
    location.reload();
  }
});

if (location.search !== "") {
  // So that a reload counts as opening the page.
  history.replaceState(null, "", "/");
}
enliven();
setInterval(countDown, 1000);
setTimeout(watch, current().dataset.busy === "yes" ? BUSY_MS : CALM_MS);
