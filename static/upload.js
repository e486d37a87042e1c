// The upload form: dropping or choosing starts it, and its progress is shown and told.

const $ = (id) => document.getElementById(id);
const words = JSON.parse(document.querySelector("meta[name='words']")?.content ?? "{}");
const say = (sentence, values = {}) => (words[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => values[name]);

const form = $("upload");
const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const megabytes = (count) => `${numbers.format(count < 1e7 ? count / 1e6 : Math.round(count / 1e6))} MB`;
const duration = (seconds) =>
  seconds < 90
    ? say("{count} s", { count: Math.max(1, Math.round(seconds)) })
    : say("{count} min", { count: Math.round(seconds / 60) });

// --- What can be known before anything is sent.

const refuse = (name, why) => {
  const line = document.createElement("p");
  const who = document.createElement("strong");
  line.className = "message bad";
  who.textContent = name;
  line.append(who, `: ${why}`);
  $("refusals").append(line);
};

const whyNot = (file, room) => {
  if (file.size === 0) return say("This file is empty.");
  if (file.size > Number(form.dataset.limit))
    return say("This file is bigger than {limit}, the most that we take.", { limit: form.dataset.limitWords });
  if (file.size > room)
    return say("There is not enough room left in your account for this file. Delete some files first.");
  return "";
};

const acceptable = (files) => {
  let room = Number($("room").dataset.left);
  const kept = new DataTransfer();
  for (const file of files) {
    const why = whyNot(file, room);
    if (why) refuse(file.name, why);
    else {
      kept.items.add(file);
      room -= file.size;
    }
  }
  return kept.files;
};

const hasFormat = () => form.querySelector("[name='presets']:checked") !== null;

// --- What is on its way: one bar for all, and a few words for those who do not see it.

const QUARTERS = [25, 50, 75];

class Sending {
  constructor(files) {
    this.files = [...files];
    this.startedAt = performance.now();
    this.told = 0;
    this.isOver = false;
    this.show(0, 0);
    const what = { count: this.files.length, name: this.files[0].name };
    this.tell(what.count > 1 ? say("Uploading {count} files.", what) : say("Uploading {name}.", what));
  }

  tell(sentence) {
    $("sending-said").textContent = sentence;
  }

  /** Which of the files the byte belongs to. */
  at(loaded) {
    let end = 0;
    const index = this.files.findIndex((file) => loaded < (end += file.size));
    return index < 0 ? this.files.length - 1 : index;
  }

  show(loaded, total) {
    const percent = total ? Math.floor((loaded / total) * 100) : 0;
    const count = this.files.length;
    const index = this.at(loaded);
    const { name } = this.files[index];
    $("sending-bar").value = percent;
    $("sending-name").textContent =
      count > 1 ? `${name} · ${say("{number} of {count} files", { number: index + 1, count })}` : name;
    $("sending-text").textContent = `${say("Uploading {share}", { share: `${percent} %` })}${this.pace(loaded, total)}`;
    const quarter = QUARTERS.findLast((each) => percent >= each) ?? 0;
    if (quarter > this.told && total) this.tell(say("{share} uploaded.", { share: `${quarter} %` }));
    this.told = Math.max(this.told, quarter);
  }

  pace(loaded, total) {
    const spent = (performance.now() - this.startedAt) / 1000;
    if (spent < 1 || !loaded) return "";
    const rate = loaded / spent;
    return ` · ${megabytes(rate)}/s · ${say("{time} left", { time: duration((total - loaded) / rate) })}`;
  }

  end() {
    this.isOver = true;
    $("sending-bar").value = 100;
    $("sending-text").textContent = say("Checking…");
    this.tell(say("Checking…"));
  }
}

if (form) {
  const input = $("audio");
  let sending = null;

  const setSending = (isSending) => {
    $("sending").hidden = !isSending;
    input.disabled = isSending; // what is chosen meanwhile would be lost
  };

  input.addEventListener("change", () => {
    $("refusals").replaceChildren();
    $("formats-why").textContent = hasFormat() ? "" : say("Choose at least one format.");
    if (!hasFormat()) {
      input.value = "";
      return;
    }
    // Another choice is another upload, whatever became of the one before.
    $("once").value = crypto.randomUUID?.() ?? "";
    input.files = acceptable(input.files);
    if (input.files.length) form.requestSubmit();
  });
  $("formats").addEventListener("change", () => {
    if (hasFormat()) $("formats-why").textContent = "";
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
    sending = new Sending(input.files);
    setSending(true);
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    // htmx tells of the answer's bytes by the same event: once all is sent, nothing more is shown.
    if (sending.isOver || !event.detail.lengthComputable) return;
    const { loaded, total } = event.detail;
    if (loaded < total) sending.show(loaded, total);
    else sending.end();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    setSending(false);
    // With a fresh token the page sends it once more, see app.js.
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")?.includes("fresh-token")) input.value = "";
  });
  form.addEventListener("htmx:sendError", () => {
    refuse(say("Upload"), say("The connection was lost, and nothing of the unfinished file was kept. Please choose it again."));
  });
  form.addEventListener("htmx:sendAbort", () => sending.tell(say("The upload is canceled.")));
  form.addEventListener("htmx:beforeSwap", (event) => {
    // A poll may have brought the new rows already, and the empty list says that there are none.
    const rows = [...event.detail.xhr.responseText.matchAll(/<li class="file" id="(file-[0-9a-f-]{36})"/g)];
    for (const [, id] of rows) $(id)?.remove();
    if (rows.length) $("no-files")?.remove();
  });
  $("sending-cancel").addEventListener("click", () => {
    window.htmx.trigger(form, "htmx:abort");
    input.focus();
  });

  // --- The other formats lie over the page, so they go when they are not looked at any more.

  const others = $("others");
  document.addEventListener("click", (event) => {
    if (others.open && !others.contains(event.target)) others.open = false;
  });
  others.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    others.open = false;
    others.querySelector("summary").focus();
  });
}
