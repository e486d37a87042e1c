// What alerts do beyond their own forms and links.

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

// --- After a dismissal the focus goes to the next one's button, or to the alerts' region.

const CARDS = ".alert:not([data-undo]), .note";
const button = (card) => card?.querySelector(".x, .chip");

document.addEventListener("htmx:configRequest", (event) => {
  // Seen here, because a button that is disabled while the request runs loses the focus.
  const card = event.detail.elt.closest?.(CARDS);
  if (card?.contains(document.activeElement)) card.dataset.leaving = "";
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  const cards = [...target.querySelectorAll(CARDS)];
  const leaving = cards.findIndex((card) => "leaving" in card.dataset);
  if (leaving < 0) return;
  const after = [...cards.slice(leaving), ...cards.slice(0, leaving).reverse()].map((card) => card.id);
  requestAnimationFrame(() => {
    if (document.activeElement !== document.body) return;
    const next = after.map($).find(Boolean);
    (button(next) ?? (target.id === "alerts" ? $("alert-region") : $("content"))).focus();
  });
});

// --- Only what is new rises.

let known = [];

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id === "alerts") known = [...document.querySelectorAll("#alerts .alert")].map((card) => card.id);
});

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id !== "alerts") return;
  for (const card of document.querySelectorAll("#alerts .alert")) card.classList.toggle("new", !known.includes(card.id));
});

// --- A dismissal can be taken back for ten seconds, or for as long as somebody is about to.

const UNDO_MILLISECONDS = 10_000;
let going = 0;

const letGo = () => {
  const undo = $("undo");
  if (undo?.matches(":hover, :focus-within")) going = setTimeout(letGo, 1000);
  else undo?.replaceChildren();
};

const countDown = () => {
  clearTimeout(going);
  if ($("undo")?.hasChildNodes()) going = setTimeout(letGo, UNDO_MILLISECONDS);
};

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id !== "undo") return;
  countDown();
  if (event.detail.target.hasChildNodes() || document.activeElement !== document.body) return;
  // Taken back: on to the first alert, which is there again.
  requestAnimationFrame(() => (button(document.querySelector(CARDS)) ?? $("alert-region")).focus());
});
countDown();

// --- Whoever asked for it is told by the system and by a sound, when the page is out of sight.

const chime = () => {
  const audio = new AudioContext();
  const volume = new GainNode(audio, { gain: 0.12 });
  volume.connect(audio.destination);
  for (const [tone, frequency] of [660, 880].entries()) {
    const begins = audio.currentTime + tone * 0.15;
    const voice = new OscillatorNode(audio, { type: "sine", frequency });
    voice.connect(volume);
    voice.start(begins);
    voice.stop(begins + 0.3);
  }
  volume.gain.setTargetAtTime(0, audio.currentTime + 0.3, 0.05);
  setTimeout(() => audio.close(), 1500);
};

const notify = (told) => {
  const notification = new Notification("Tapedeck", { body: told.textContent, tag: told.dataset.told });
  notification.addEventListener("click", () => {
    window.focus();
    location.assign(told.dataset.href);
    notification.close();
  });
};

const tell = (told) => {
  if ("systemNotifications" in root.dataset && window.Notification?.permission === "granted") told.forEach(notify);
  if ("sound" in root.dataset) chime();
};

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target.id !== "status-line" || !document.hidden) return;
  const told = [...event.detail.target.querySelectorAll("[data-told]")];
  // Several hidden tabs hear the same news: one of them tells it.
  const only = `told ${told.at(-1)?.dataset.told}`;
  if (told.length) navigator.locks?.request(only, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    tell(told);
    await new Promise((resolve) => setTimeout(resolve, 20_000));
  });
});
