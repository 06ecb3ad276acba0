// What script adds to the console: searching while typing and paging in place (htmx),
// copying, messages that screen readers hear, and the key / for the search.
"use strict";

const htmxPolicy = document.currentScript.dataset.policy;

// htmx parses pages of our own origin and nothing else; code in attributes is refused.
if (globalThis.htmx) {
  const policy = globalThis.trustedTypes
    ? trustedTypes.createPolicy(htmxPolicy, { createHTML: (html) => html })
    : { createHTML: (html) => html };
  function refuse() {
    throw new Error("the console evaluates no code");
  }
  htmx.registerExtension(htmxPolicy, { init: (api) => api.initSecurity(policy, refuse, refuse) });
}

const toast = document.getElementById("toast");
let fading = 0;

function say(text) {
  toast.textContent = text;
  toast.classList.add("seen");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("seen"), 5000);
}

const notice = document.getElementById("notice");
if (notice) {
  setTimeout(() => say(notice.textContent), 50);
  const address = new URL(location.href);
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}
document.getElementById("problem")?.focus();

function offerCopies(root) {
  if (navigator.clipboard) {
    for (const button of root.querySelectorAll("[data-copy]")) {
      button.hidden = false;
    }
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) {
    return;
  }
  try {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    say("Copied.");
  } catch {
    say("Copying is not allowed here. Select the text instead.");
  }
});

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "/" && search && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

document.addEventListener("htmx:after:swap", () => offerCopies(document));
offerCopies(document);
