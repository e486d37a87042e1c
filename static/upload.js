// The upload form: dropping or choosing starts it, and its progress is told.

const $ = (id) => document.getElementById(id);

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

