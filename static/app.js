// What every page does beyond its own forms and links.

const $ = (id) => document.getElementById(id);
document.documentElement.classList.add("js");

// --- The poller: a hidden tab asks nothing, and two failures in a row are told, once.

let failures = 0;

const isPoller = (element) => element instanceof Element && element.matches("[data-poll]");

const setLost = (isLost) => {
  const banner = $("connection-lost");
  if (banner) banner.hidden = !isLost;
};

document.addEventListener("htmx:beforeRequest", (event) => {
  if (isPoller(event.detail.elt) && document.hidden) event.preventDefault();
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!isPoller(event.detail.elt)) return;
  const { status } = event.detail.xhr;
  failures = status > 0 && status < 500 ? 0 : failures + 1;
  setLost(failures >= 2);
});

// --- Errors bring a message out of band; what they were meant to replace stays as it is.

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, elt } = event.detail;
  if (xhr.status >= 400 && !isPoller(elt) && xhr.responseText) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
    event.detail.swapOverride = "none";
  }
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
tabs.addEventListener("message", () => window.htmx.trigger(document.body, "poll-now"));
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Trigger") === "poll-now") tabs.postMessage("poll-now");
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
    const said = relative.format(-Math.max(1, Math.round(seconds / unit[1])), unit[0]);
    if (time.textContent !== said) time.textContent = said;
  }
};

setInterval(tellTimes, 20_000);
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
