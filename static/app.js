// What every page does beyond what the browser and htmx do by themselves.

const $ = (id) => document.getElementById(id);
document.documentElement.classList.add("js");

// --- The poller: a hidden tab asks nothing, and two failures in a row are told, once.

let failures = 0;

const isPoller = (element) => element instanceof Element && element.matches("[data-poll]");

const setLost = (isLost) => {
  const banner = $("connection-lost");
  if (banner && banner.hidden === isLost) banner.hidden = !isLost; // an idle poll touches nothing
};

// Somebody who wants to be told by the system is told while something is being made, out of sight too.
const HIDDEN_PACE = 15_000;
let lastAsked = performance.now();

const mayAsk = (poller) =>
  !document.hidden ||
  ("systemNotifications" in document.documentElement.dataset &&
    "busy" in poller.dataset &&
    performance.now() - lastAsked >= HIDDEN_PACE);

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isPoller(event.detail.elt)) return;
  if (mayAsk(event.detail.elt)) lastAsked = performance.now();
  else event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isPoller(event.detail.elt)) return;
  const { status } = event.detail.xhr;
  failures = status > 0 && status < 500 ? 0 : failures + 1;
  setLost(failures >= 2);
});

// --- What a form's answer may leave out is what the page knows now, not what it knew when the form was drawn.

document.addEventListener("htmx:configRequest", (event) => {
  const known = $("poller")?.getAttribute("hx-get").match(/[?&]v=(\d+)/)?.[1];
  if (known && !isPoller(event.detail.elt)) event.detail.path = event.detail.path.replace(/([?&]v=)\d+/, `$1${known}`);
});

// --- The title counts what is unread on every page, those too of which a poll does not know what they are called.

document.addEventListener("htmx:oobAfterSwap", () => {
  const unread = Number($("bell")?.dataset.unread ?? 0);
  const title = (unread ? `(${unread}) ` : "") + document.title.replace(/^\(\d+\) /, "");
  if (document.title !== title) document.title = title;
});

// --- Errors bring a message out of band; what they were meant to replace stays as it is.

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, elt } = event.detail;
  if (isPoller(elt) && !elt.isConnected) {
    // A deed has been answered meanwhile, and its answer is younger.
    event.detail.shouldSwap = false;
    return;
  }
  if (xhr.getResponseHeader("HX-Trigger")?.includes("fresh-token") && !("again" in elt.dataset)) return;
  if (xhr.status >= 400 && !isPoller(elt) && xhr.responseText) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    event.detail.swapOverride = "none";
  }
});

// --- A session may have ended and begun anew in another tab: the page goes on with the token of the new one.

const user = document.querySelector("meta[name='user']")?.content ?? "";

const adopt = (token) => {
  document.querySelector("meta[name='csrf-token']").content = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  for (const input of document.querySelectorAll("input[name='csrf_token']")) input.value = token;
};

// What goes up stands still until somebody signs in again, and is not lost by leaving the page.
const isUploading = () => "uploading" in document.documentElement.dataset;

document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (isPoller(event.detail.elt) && event.detail.xhr.status === 401 && isUploading()) {
    event.preventDefault();
    $("signed-out").hidden = false;
  }
});

const begin = ({ user: whose, token }) => {
  if (String(whose) !== user) {
    // Somebody has signed out, or is another one now. The page where one signs in again says the same.
    if (whose || $("signed-out")?.hidden !== false) {
      document.dispatchEvent(new Event("session-ended"));
      delete document.documentElement.dataset.uploading;
    }
    return false;
  }
  adopt(token);
  document.dispatchEvent(new Event("session-renewed"));
  return true;
};

document.addEventListener("session-begun", ({ detail }) => begin(detail) || location.reload());

document.body.addEventListener("fresh-token", (event) => {
  const { token, user: whose } = event.detail;
  const asker = event.target; // a form, or one of its buttons
  if (String(whose) !== user) location.reload();
  else if (!("again" in asker.dataset)) {
    adopt(token);
    asker.dataset.again = ""; // once: what is refused twice is refused for another reason
    setTimeout(() => (asker.matches("button") ? asker.click() : asker.requestSubmit()));
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.xhr.getResponseHeader("HX-Trigger")?.includes("fresh-token")) delete event.detail.elt.dataset?.again;
});

// --- A button that is swapped keeps the focus, and what is folded out stays so.

let focused = "";

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.elt.contains?.(document.activeElement)) focused = document.activeElement.id;
});

document.addEventListener("htmx:afterSettle", () => {
  if (focused && document.activeElement === document.body) $(focused)?.focus();
});

document.addEventListener("focusin", () => {
  focused = "";
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const held = event.detail.target.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...event.detail.target.querySelectorAll("details[open][id]")].map((details) => details.id);
  requestAnimationFrame(() => {
    for (const details of open.map($)) if (details) details.open = true;
    if (held && document.activeElement === document.body) $(held)?.focus();
  });
});

// --- What is done in one tab is told to the others, which then ask at once.

const tabs = new BroadcastChannel("tapedeck");
tabs.addEventListener("message", ({ data }) => {
  if (!data.user && data.user !== "") window.htmx.trigger(document.body, "poll-now");
  else if (!begin(data)) window.htmx.trigger(document.body, "poll-now");
});
// Each page says whose it is: what others of the same user hold is renewed, and what is somebody else's goes at once.
tabs.postMessage({ user, token: document.querySelector("meta[name='csrf-token']").content });
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Trigger") === "poll-now") tabs.postMessage("poll-now");
});

// --- A form that is on its way is not sent a second time. Without this the server makes one of two, see web/auth.py.

// Whoever stops the browser may try again after this, or sooner where a download leaves the page. A file takes its time.
const PATIENCE = 10_000;

const release = (form) => {
  delete form.dataset.underWay;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Those that htmx or a script of ours sends are guarded by these.
  if (event.defaultPrevented || form.method !== "post") return;
  if ("underWay" in form.dataset) {
    event.preventDefault();
    return;
  }
  // Browsers offer to keep a password only if the field is one.
  for (const button of form.querySelectorAll("[data-reveal][aria-pressed=true]")) reveal(button, false);
  form.dataset.underWay = "";
  // Not `disabled`: the button would lose the focus, and its name and value would not be sent.
  event.submitter?.setAttribute("aria-disabled", "true");
  if (form.enctype !== "multipart/form-data") setTimeout(release, event.submitter?.dataset.patience ?? PATIENCE, form);
});

// Back may bring the page as it was left, and perhaps somebody has signed out meanwhile.
addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[data-under-way]")) release(form);
  if (event.persisted) window.htmx?.trigger(document.body, "poll-now");
});

// --- A password can be looked at.

const reveal = (button, isShown) => {
  button.setAttribute("aria-pressed", isShown);
  const field = $(button.getAttribute("aria-controls"));
  field.type = isShown ? "text" : "password";
};

for (const button of document.querySelectorAll("[data-reveal]")) {
  button.hidden = false;
  button.addEventListener("click", () => reveal(button, button.getAttribute("aria-pressed") !== "true"));
}

// --- A message can be put away.

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-put-away]");
  if (!button) return;
  const hadFocus = button.contains(document.activeElement);
  button.closest(".message").remove();
  if (hadFocus) $("content").focus();
});

// --- Small things.

for (const select of document.querySelectorAll("[data-submit-on-change]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// --- Times grow older while a page is open. Told as webapp/web/times.py does; the browser's zone is noted for it.

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

const tellTimes = () => {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.now() - new Date(time.dateTime)) / 1000;
    const unit = UNITS.find(([, length]) => seconds >= length) ?? UNITS.at(-1);
    if (seconds < 45 || seconds >= 7 * 86400) continue; // what the server said still holds, or will at the next page
    const said = relative.format(-Math.max(1, Math.floor(seconds / unit[1])), unit[0]);
    if (time.textContent !== said) time.textContent = said;
  }
};

setInterval(tellTimes, 20_000);

/** How long something has been going on for whose end nobody knows: 4:10, as webapp/web/times.py says it. */
const tellElapsed = () => {
  for (const time of document.querySelectorAll("time[data-since]")) {
    const seconds = Math.max(0, Math.round((Date.now() - new Date(time.dateTime)) / 1000));
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    const shown = parts.slice(parts[0] ? 0 : 1);
    time.textContent = shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
  }
};
setInterval(tellElapsed, 1000);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
