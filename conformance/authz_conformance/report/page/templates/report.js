"use strict";
// Filters, deep links and copying. Without this script everything is there to read, and rules open all the same.
// A link says what it shows behind its "#": a rule's id alone, or name=value pairs, such as verdict=failed&q=poll&rule=ID.
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const form = byId("filters");
  const rules = all(".rule");
  const KEYS = ["verdict", "level", "profile", "time"];
  for (const one of all(".scripted, .copy")) one.hidden = false;

  function copyBy(button) {
    const text = button.previousElementSibling.textContent;
    const done = () => {
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    };
    const selected = () => {
      const range = document.createRange();
      range.selectNodeContents(button.previousElementSibling);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      if (document.execCommand("copy")) done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, selected);
    else selected();
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copyBy(button);
  });

  addEventListener("beforeprint", () => {
    for (const one of rules) {
      one.wasOpen = one.open;
      if (one.dataset.verdict !== "passed" && !one.hidden) one.open = true;
    }
  });
  addEventListener("afterprint", () => { for (const one of rules) one.open = one.wasOpen; });
  if (!form) return;

  const folded = form.closest("details");
  folded.open = matchMedia("(min-width: 54.01rem)").matches;
  for (const one of rules) one.said = one.textContent.toLowerCase();

  const chosen = (key) => all(`input[name="${key}"]:checked`, form).map((box) => box.value);
  const search = () => form.elements.q.value.trim();

  function asHash(rule) {
    const parts = new URLSearchParams();
    for (const key of KEYS) if (chosen(key).length) parts.set(key, chosen(key).join(","));
    if (search()) parts.set("q", search());
    if (rule && ![...parts].length) return "#" + rule;
    if (rule) parts.set("rule", rule);
    return "#" + parts;
  }
  const remember = (rule) => {
    const hash = asHash(rule);
    history.replaceState(null, "", hash === "#" ? location.pathname + location.search : hash);
  };

  function apply() {
    const wanted = KEYS.map((key) => [key, new Set(chosen(key))]).filter(([, values]) => values.size);
    const terms = search().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of rules) {
      const fits = wanted.every(([key, values]) => values.has(one.dataset[key])) && terms.every((term) => one.said.includes(term));
      one.hidden = !fits;
      shown += fits;
    }
    for (const one of all(".part, .source")) one.hidden = !one.querySelector(".rule:not([hidden])");
    for (const one of all("[data-section]")) {
      const number = all(".rule:not([hidden])", byId(one.dataset.section)).length;
      one.querySelector(".count").textContent = number;
      one.classList.toggle("empty", !number);
    }
    const active = wanted.length + (terms.length ? 1 : 0);
    byId("nothing").hidden = shown > 0;
    byId("shown").textContent = shown === rules.length ? "All rules are shown" : `${shown} of ${rules.length} rules`;
    byId("filters-set").hidden = !active;
    byId("filters-set").textContent = active;
  }

  function reset() {
    for (const box of all("input[type=checkbox]", form)) box.checked = false;
    form.elements.q.value = "";
  }

  function reveal(rule) {
    if (rule.hidden) {
      reset();
      apply();
      remember(rule.id);
    }
    rule.open = true;
    rule.scrollIntoView();
    rule.querySelector("summary").focus({ preventScroll: true });
  }

  function follow() {
    let hash = location.hash.slice(1);
    try { hash = decodeURIComponent(hash); } catch { /* taken as it is */ }
    const target = byId(hash);
    if (target) {
      if (target.matches(".rule")) reveal(target);
      else if (target.matches(".story")) { target.open = true; target.scrollIntoView(); }
      else if (target.hidden) { reset(); apply(); target.scrollIntoView(); }
      return;
    }
    const parts = new URLSearchParams(location.hash.slice(1));
    reset();
    for (const key of KEYS) {
      const values = (parts.get(key) || "").split(",");
      for (const box of all(`input[name="${key}"]`, form)) box.checked = values.includes(box.value);
    }
    form.elements.q.value = parts.get("q") || "";
    apply();
    const rule = byId(parts.get("rule") || "");
    if (rule && rule.matches(".rule")) reveal(rule);
    else if ([...parts].length) byId("rules").scrollIntoView();
  }

  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const tile = event.target.closest("[data-only]");
    if (tile) {
      reset();
      for (const box of all('input[name="verdict"]', form)) box.checked = box.value === tile.dataset.only;
      apply();
      remember();
      byId("rules").scrollIntoView();
      byId("rules").focus({ preventScroll: true });
      event.preventDefault();
    }
    if (event.target.closest("[data-reset]")) { reset(); apply(); remember(); }
    const summary = event.target.closest(".rule > summary");
    if (summary) remember(summary.parentElement.open ? undefined : summary.parentElement.id);
  });
  byId("open-all").addEventListener("click", () => { for (const one of rules) if (!one.hidden) one.open = true; });
  byId("close-all").addEventListener("click", () => { for (const one of rules) one.open = false; });
  addEventListener("hashchange", follow);
  apply();
  // The browser looks for the fragment by itself when the page has been read, and would take the focus away again.
  if (location.hash) addEventListener("load", () => setTimeout(follow));
})();
