// The upload form: what is chosen, dropped or pasted goes up at once, in the formats that are marked.

import { Queue, Row, Whole, say, tell } from "./queue.js";
import { ask, uuid } from "./requests.js";
import { Transfer } from "./transfer.js";

const $ = (id) => document.getElementById(id);
const form = $("upload");

// --- What can be known before anything is sent. What a file really is, the server sees by looking into it.

const FOREIGN = /^(text|image|font|model|message)\/|^application\/(?!ogg|octet-stream|mxf)/;
const KNOWN = new RegExp(`\\.(${form.dataset.endings})$`, "i");
const isForeign = (file) => FOREIGN.test(file.type) && !KNOWN.test(file.name);

const whyNot = (file) => {
  if (isForeign(file)) return say("This is not audio that we can read.");
  if (file.size === 0) return say("This file is empty.");
  if (file.size > Number(form.dataset.limit))
    return say("This file is bigger than {limit}, the most that we take.", { limit: form.dataset.limitWords });
  return "";
};

// --- The transfers of this page, and their rows.

const input = $("audio");
const queue = new Queue();
const whole = new Whole();
const rows = new Map();
const under = () => queue.transfers.filter((transfer) => transfer.isUnderWay);
const others = new BroadcastChannel("tapedeck-uploads");

const put = (transfer, instead = null) => {
  const row = new Row(transfer);
  rows.set(row.element, row);
  const hadFocus = instead?.contains(document.activeElement);
  if (instead) instead.replaceWith(row.element);
  else $("uploads").append(row.element);
  transfer.addEventListener("change", () => follow(transfer, row));
  transfer.addEventListener("signed-out", ({ fresh }) => renew(fresh));
  queue.add(transfer);
  if (hadFocus) row.focus();
};

const drop = (row) => {
  rows.delete(row.element);
  queue.remove(row.transfer);
  row.remove();
};

const follow = (transfer, row) => {
  if (transfer.state === row.last) return refresh();
  row.last = transfer.state;
  if (transfer.state === "canceled") drop(row);
  if (transfer.state === "sending") {
    $(`upload-${transfer.id}`)?.remove(); // it was offered under another name
    others.postMessage({ ids: [transfer.id] });
  }
  const isNews = transfer.state === "refused" || transfer.state === "known" || (transfer.isHeldUp && transfer.failures === 1);
  if (isNews) {
    row.show();
    tell(`${transfer.file.name}: ${row.said}`);
  }
  if (transfer.state === "done") up.push(transfer.file);
  if (transfer.state === "done" || transfer.state === "known") {
    new BroadcastChannel("tapedeck").postMessage("poll-now"); // to this page too
  }
  if (["done", "refused", "known"].includes(transfer.state) && !under().length) sum();
  refresh();
};

let frame = 0;
let isLeaving = false;
const refresh = () => {
  document.documentElement.toggleAttribute("data-uploading", !isLeaving && under().length > 0);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    whole.show(under(), up);
  });
};

/** Say what came of it, when all has come to its end. */
let up = [];
const sum = () => {
  if (!up.length) return;
  const what = { count: up.length, name: up[0].name };
  const said = up.length > 1 ? say("{count} files are uploaded.", what) : say("{name} is uploaded.", what);
  tell(`${said} ${say("You can close the page; an alert will wait for you.")}`);
};

/** Those whose file stands in the list need no row here any more. */
const tidy = () => {
  for (const row of [...rows.values()]) {
    if (row.transfer.state === "done" && $(`file-${row.transfer.came.file}`)) drop(row);
  }
  refresh();
};
for (const event of ["htmx:afterSettle", "htmx:oobAfterSwap"]) document.addEventListener(event, () => setTimeout(tidy));

// --- Beginning.

const presets = () => [...form.querySelectorAll("[name='presets']:checked")].map((box) => box.value);
// As the server shows names, see webapp/services/library.py.
const shown = (name) => name.normalize("NFC").split(/\s+/).join(" ").trim();
const isOffer = (file) => ({ dataset }) => dataset.name === shown(file.name) && Number(dataset.size) === file.size;
// Where files of a dropped folder lie: in two folders there may be two of one name.
const paths = new WeakMap();
const same = (file) => [paths.get(file) ?? file.webkitRelativePath, file.name, file.size, file.lastModified].join("|");

const take = (files, left = 0) => {
  const wanted = presets();
  $("left-out").textContent = left ? say("Left out, because they are no sound: {count}", { count: left }) : "";
  if (left) $("queue").hidden = false;
  $("formats-why").textContent = wanted.length ? "" : say("Choose at least one format.");
  if (!wanted.length || !files.length) return;
  if (!under().length) {
    for (const row of [...rows.values()]) if (row.transfer.state === "done") drop(row);
    whole.rest();
    up = [];
  }
  const batch = uuid();
  const known = new Set(under().map(({ file }) => same(file)));
  const refused = [];
  for (const file of files.filter((each) => !known.has(same(each)))) {
    const offer = [...$("uploads").querySelectorAll("[data-upload]")].find(isOffer(file));
    const { dataset } = offer ?? {};
    const transfer = new Transfer(file, dataset ? { presets: dataset.presets.split(" "), batch: dataset.batch } : { presets: wanted, batch });
    const why = whyNot(file);
    if (why) {
      transfer.refuse({ message: why, status: 422 });
      refused.push(`${file.name}: ${why}`);
    }
    put(transfer, offer);
  }
  const going = under();
  const said =
    going.length > 1 ? say("Uploading {count} files.", { count: going.length })
    : going.length ? say("Uploading {name}.", { name: going[0].file.name })
    : "";
  tell([said, ...refused].join(" ").trim());
};

/** Of a folder what is no sound is left out: a cover, a list of titles. */
const takeFolder = (files) => {
  const sounds = files.filter((file) => !isForeign(file) && !file.name.startsWith("."));
  take(sounds, files.length - sounds.length);
};

/** The offer that is to go on with what is chosen next: another file is not what its user meant. */
let continued = null;
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const [offer, files] = [continued, [...input.files]];
  continued = null;
  input.value = "";
  if (!offer || files.some((file) => isOffer(file)(offer))) return take(files);
  const said = say("That is another file. To go on, choose {name} again.", offer.dataset);
  offer.querySelector(".said").textContent = said;
  tell(said);
});
input.addEventListener("change", () => form.requestSubmit());
input.addEventListener("cancel", () => (continued = null));
$("folder").addEventListener("change", ({ target }) => {
  takeFolder([...target.files]);
  target.value = "";
});
$("choose-folder").parentElement.hidden = !("webkitdirectory" in $("folder")); // phones have none
$("choose-folder").addEventListener("click", () => $("folder").click());
$("formats").addEventListener("change", () => {
  if (presets().length) $("formats-why").textContent = "";
});

// --- Dropping, anywhere on the page, and pasting.

/** All files below an entry of the file system. A folder tells its entries a hundred at a time. */
const below = async (entry) => {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    paths.set(file, entry.fullPath);
    return [file];
  }
  const reader = entry.createReader();
  const found = [];
  for (let some; !some || some.length; found.push(...some)) {
    some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
  }
  return belowAll(found);
};

/** Of all of them; what cannot be read is left out, and said so on the console. */
const belowAll = async (entries) => {
  const found = await Promise.allSettled(entries.map(below));
  for (const { reason } of found) if (reason) console.warn(reason);
  return found.flatMap(({ value }) => value ?? []);
};

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
let depth = 0;
const setOver = (change) => {
  depth = change ? Math.max(0, depth + change) : 0;
  form.classList.toggle("over", depth > 0);
};

document.addEventListener("dragenter", (event) => carriesFiles(event) && setOver(1));
document.addEventListener("dragleave", (event) => carriesFiles(event) && setOver(-1));
document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
document.addEventListener("drop", async (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  setOver(0);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) take([...event.dataTransfer.files]);
  else takeFolder(await belowAll(entries));
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData?.files.length) take([...event.clipboardData.files]);
});

// --- What can be done with a row, and with all of them.

const DO = {
  pause: ({ transfer }) => transfer.pause(),
  resume: ({ transfer }) => transfer.goOn(),
  now: ({ transfer }) => transfer.goOn(),
  again: ({ transfer }) => transfer.again(),
  insist: ({ transfer }) => transfer.insist(),
  cancel: ({ transfer }) => transfer.cancel(),
  dismiss: (row) => drop(row),
};

$("uploads").addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (button && "continue" in button.dataset) {
    continued = button.closest("li");
    input.click();
  }
  if (button?.dataset.deed) DO[button.dataset.deed](rows.get(button.closest("li")));
});
$("whole-pause").addEventListener("click", () => under().forEach((each) => each.state !== "checking" && each.pause()));
$("whole-resume").addEventListener("click", () => queue.goOn("paused"));
$("whole-cancel").addEventListener("click", () => under().forEach((each) => each.state !== "checking" && each.cancel()));
// Whoever takes the last one away: a deed here, or the answer to a form.
let inRow = null;
$("uploads").addEventListener("focusin", ({ target }) => (inRow = target));
new MutationObserver(() => {
  $("queue").hidden = !$("uploads").children.length && !$("left-out").textContent;
  if (!inRow || inRow.isConnected || document.activeElement !== document.body) return;
  ($("uploads").querySelector("button:not([hidden])") ?? $("list-title")).focus();
  inRow = null;
}).observe($("uploads"), { childList: true });

// --- Whoever leaves is asked; whoever was signed out goes on after signing in again in another tab.

addEventListener("beforeunload", (event) => {
  if ("uploading" in document.documentElement.dataset) event.preventDefault();
});

const renew = (fresh) => {
  if (fresh) document.dispatchEvent(new CustomEvent("session-begun", { detail: fresh }));
  else $("signed-out").hidden = false;
};
document.addEventListener("session-renewed", () => {
  $("signed-out").hidden = true;
  queue.goOn("signed-out");
});

document.addEventListener("session-ended", () => {
  isLeaving = true;
  for (const each of under()) each.pause();
});

// --- What goes up in one tab is not offered in another, as long as it does.

others.addEventListener("message", ({ data }) => {
  if (data.asks && under().length) others.postMessage({ ids: under().map(({ id }) => id) });
  for (const offer of (data.ids ?? []).map((id) => id && $(`upload-${id}`)).filter(Boolean)) {
    const said = offer.querySelector(".said");
    const before = said.textContent;
    const setElsewhere = (isElsewhere) => {
      said.textContent = isElsewhere ? say("It goes up in another tab.") : before;
      offer.querySelector(".until").hidden = offer.querySelector(".acts").hidden = isElsewhere;
    };
    if (offer.querySelector(".acts").hidden) continue;
    setElsewhere(true);
    navigator.locks?.request(`upload ${offer.dataset.upload}`, () => {
      if ($(`file-${offer.dataset.upload}`)) offer.remove();
      else setElsewhere(false);
    });
  }
});
if ($("uploads").children.length) others.postMessage({ asks: true });

// --- It stands first on the screen, so Tab comes to it first. Without a script it stands last: see _form.html.

if (document.activeElement !== input) form.prepend(input);

// --- What was chosen before this script was there.

if (input.files.length) form.requestSubmit();

// --- What is all up, but was cut before it was told so, is brought to its end.

for (const offer of $("uploads").querySelectorAll("[data-upload]")) {
  const bar = offer.querySelector("progress");
  if (bar.value < bar.max) continue;
  ask("POST", `/uploads/${offer.dataset.upload}/complete`).then(
    () => {
      offer.remove();
      new BroadcastChannel("tapedeck").postMessage("poll-now");
    },
    ({ message }) => message && (offer.querySelector(".said").textContent = message),
  );
}

// --- The other formats lie over the page, so they go when they are not looked at any more.

const more = $("others");
document.addEventListener("click", (event) => {
  if (more.open && !more.contains(event.target)) more.open = false;
});
more.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  more.open = false;
  more.querySelector("summary").focus();
});
