// What the pages do beyond their own forms and links. Every event name of htmx is in this file.

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

// --- After a dismissal the focus goes to the next alert's button, or to the alerts' region.

document.addEventListener("htmx:configRequest", (event) => {
  // Seen here, because a button that is disabled while the request runs loses the focus.
  const alert = event.detail.elt.closest?.(".alert");
  if (alert?.contains(document.activeElement)) alert.dataset.leaving = "";
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id !== "alerts") return;
  const cards = [...document.querySelectorAll(".alert")];
  const leaving = cards.findIndex((card) => "leaving" in card.dataset);
  if (leaving < 0) return;
  const after = [...cards.slice(leaving + 1), ...cards.slice(0, leaving).reverse()].map((card) => card.id);
  requestAnimationFrame(() => {
    const next = after.map($).find(Boolean);
    (next?.querySelector(".x") ?? $("alerts")).focus();
  });
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

// --- The upload form: dropping or choosing starts it, and its progress is told.

const form = $("upload");

const seconds = (count) => (count < 90 ? `${Math.max(1, Math.round(count))} s` : `${Math.round(count / 60)} min`);
const megabytes = (count) => `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;

const refuse = (name, why) => {
  const line = document.createElement("p");
  const who = document.createElement("strong");
  line.className = "message bad";
  who.textContent = name;
  line.append(who, `: ${why}`);
  $("refusals").append(line);
};

const withoutTooBig = (files) => {
  const limit = Number(form.dataset.limit);
  const kept = new DataTransfer();
  for (const file of files) {
    if (file.size > limit) refuse(file.name, `This file is bigger than ${form.dataset.limitWords}, the most that we take.`);
    else if (file.size === 0) refuse(file.name, "This file is empty.");
    else kept.items.add(file);
  }
  return kept.files;
};

const setSending = (isSending) => {
  $("sending").hidden = !isSending;
  $("audio").disabled = isSending; // what is chosen meanwhile would be lost
  $("sending-bar").value = 0;
  $("sending-text").textContent = isSending ? "Uploading…" : "";
};

const showProgress = (loaded, total, startedAt) => {
  const share = total ? loaded / total : 0;
  const spent = (performance.now() - startedAt) / 1000;
  const rate = loaded / Math.max(spent, 0.001);
  const left = spent > 1 && share < 1 ? ` · ${megabytes(rate)}/s · ${seconds((total - loaded) / rate)} left` : "";
  $("sending-bar").value = Math.max($("sending-bar").value, share * 100);
  $("sending-text").textContent = share < 1 ? `Uploading ${Math.floor(share * 100)} %${left}` : "Checking…";
};

if (form) {
  const input = $("audio");
  let startedAt = 0;
  let isOver = false;

  input.addEventListener("change", () => {
    $("refusals").replaceChildren();
    // Another choice is another upload, whatever became of the one before.
    $("once").value = crypto.randomUUID?.() ?? "";
    input.files = withoutTooBig(input.files);
    if (input.files.length) form.requestSubmit();
  });
  // A drop beside the zone is meant for it, too; the browser would leave the page for the file.
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.target === input || !event.dataTransfer?.files.length) return;
    event.preventDefault();
    if (input.disabled) return;
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change"));
  });
  window.addEventListener("beforeunload", (event) => {
    if (!$("sending").hidden) event.preventDefault();
  });
  for (const name of ["dragenter", "dragover"]) form.addEventListener(name, () => form.classList.add("over"));
  for (const name of ["dragleave", "drop"]) form.addEventListener(name, () => form.classList.remove("over"));

  form.addEventListener("htmx:beforeRequest", () => {
    startedAt = performance.now();
    isOver = false;
    setSending(true);
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    // htmx tells of the answer's bytes by the same event: once all is sent, nothing more is shown.
    if (isOver || !event.detail.lengthComputable) return;
    showProgress(event.detail.loaded, event.detail.total, startedAt);
    isOver = event.detail.loaded === event.detail.total;
  });
  form.addEventListener("htmx:afterRequest", () => {
    setSending(false);
    input.value = "";
  });
  form.addEventListener("htmx:sendError", () => {
    refuse("Upload", "The connection was lost, and nothing of the unfinished file was kept. Please choose it again.");
  });
  form.addEventListener("htmx:beforeSwap", (event) => {
    // A poll may have brought the new rows already, and the empty list says that there are none.
    for (const [, id] of event.detail.xhr.responseText.matchAll(/id="(file-[0-9a-f-]{36})"/g)) $(id)?.remove();
    if (event.detail.xhr.status === 201) $("no-files")?.remove();
  });
  $("sending-cancel").addEventListener("click", () => window.htmx.trigger(form, "htmx:abort"));
}

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
