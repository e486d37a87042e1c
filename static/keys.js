// Single-key shortcuts, for those who have not switched them off. What they do, buttons and links do too.

const dialog = document.getElementById("keys");
const opener = document.getElementById("show-keys");
const isOn = "shortcuts" in document.documentElement.dataset;
// Longer than it takes to press two keys, shorter than it takes to forget the first.
const PAUSE = 1500;

const go = (address) => location.assign(address);

const open = () => {
  if (!dialog.open) dialog.showModal();
};

opener.hidden = false;
opener.addEventListener("click", open);

// --- Where one is in a list is where the focus is.

const rows = () => [...document.querySelectorAll("main li[data-file], main .note")];
const link = (row) => row.querySelector("h3 a[href]") ?? row.querySelector("a[href]");

const move = (step) => {
  const all = rows();
  const here = all.findIndex((row) => row.contains(document.activeElement));
  const next = here < 0 ? 0 : Math.min(Math.max(here + step, 0), all.length - 1);
  if (all.length) link(all[next])?.focus();
};

// --- Elsewhere than on the list, the list is where it is done.

const search = () => document.querySelector("main input[type=search]");

const find = () => {
  if (search()) search().focus();
  else go(`${dialog.dataset.f}#search`);
};

const choose = () => {
  const files = document.getElementById("audio");
  if (files) files.click();
  else go(`${dialog.dataset.f}#upload`);
};

if (location.hash === "#search") search()?.focus();
if (location.hash === "#upload") document.getElementById("audio")?.focus();

const press = (selector) => document.querySelector(selector)?.click();

// --- On a file's page, the next version is the link to it, and after the last comes the first.

const hear = (step) => {
  const all = [...document.querySelectorAll("#versions a:not([hidden])")];
  const here = all.findIndex((each) => each.hasAttribute("aria-current"));
  if (all.length) all[here < 0 ? 0 : (here + step + all.length) % all.length].click();
};

const DEEDS = {
  "?": open,
  u: choose,
  "/": find,
  j: () => move(1),
  k: () => move(-1),
  e: () => (document.activeElement.closest(".note")?.querySelector(".chip") ?? document.querySelector(".alert .x"))?.click(),
  z: () => press("[data-undo] button"),
  "[": () => hear(-1),
  "]": () => hear(1),
};

// --- A key is a shortcut only where it could mean nothing else.

// Many keyboards have the brackets behind AltGr, which some systems tell as Ctrl and Alt, and a Mac's behind Option.
const isBracket = (event) => event.altKey && !event.ctrlKey && "[]".includes(event.key);
const isHeld = (event) =>
  event.metaKey || ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph") && !isBracket(event));

const isTaken = (event) =>
  event.defaultPrevented ||
  event.isComposing ||
  isHeld(event) ||
  document.querySelector("dialog[open]") !== null ||
  event.target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, audio, [contenteditable]") !== null;

let leader = 0; // when g was pressed

document.addEventListener("keydown", (event) => {
  if (!isOn || isTaken(event)) return;
  const isSecond = event.timeStamp - leader < PAUSE;
  leader = 0;
  if (isSecond && ["f", "i", "a"].includes(event.key)) {
    event.preventDefault();
    go(dialog.dataset[event.key]);
  } else if (event.key === "g") {
    leader = event.timeStamp;
  } else if (Object.hasOwn(DEEDS, event.key) && (!event.repeat || "jk".includes(event.key))) {
    event.preventDefault();
    DEEDS[event.key]();
  }
});
