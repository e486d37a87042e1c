// A file's player, in place of the browser's own controls: the wave is a slider, versions are switched at the same position, and moments have links.

const $ = (id) => document.getElementById(id);
const player = $("player");
const audio = player.querySelector("audio");
const seek = $("seek");
// How far the keys go, in seconds: an arrow no more than a twentieth of what is short, a page always further.
const STEP = 5;
const BIG_STEP = 30;

const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const say = (sentence, values = {}) => {
  $("player-said").textContent = fill(sentence, values);
};

// --- Time, on the clock and in words.

const clock = (seconds) => {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, "0")];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
};

const inWords = (seconds) => {
  const whole = Math.floor(seconds);
  const parts = { h: Math.floor(whole / 3600), min: Math.floor(whole / 60) % 60, s: whole % 60 };
  const told = Object.entries(parts).filter(([unit, count]) => count || (unit === "s" && whole < 60));
  return told.map(([unit, count]) => fill(seek.dataset[unit], { count })).join(" ");
};

const length = () => (Number.isFinite(audio.duration) ? audio.duration : Number(seek.max)) || 0;

const step = () => Math.min(STEP, length() / 20);
const bigStep = () => Math.max(Math.min(BIG_STEP, length() / 4), length() / 10);

// --- What is shown of where it is.

let told = -1; // the second that the slider says

const tell = () => {
  told = Math.floor(audio.currentTime);
  seek.setAttribute("aria-valuetext", fill(seek.dataset.of, { at: inWords(audio.currentTime), length: inWords(length()) }));
};

const show = () => {
  const whole = length();
  const at = Math.min(audio.currentTime, whole);
  if (Number(seek.max) !== whole) seek.max = whole;
  seek.value = at;
  $("played")?.setAttribute("width", whole ? (480 * at) / whole : 0);
  if (Math.floor(at) === told) return;
  $("at").textContent = clock(at);
  $("length").textContent = clock(whole);
  // A screen reader that stands on the slider would read each second aloud.
  if (document.activeElement !== seek || audio.paused || told < 0) tell();
};

const follow = () => {
  show();
  if (!audio.paused) requestAnimationFrame(follow);
};

const showState = () => {
  const { play, pause } = $("play").dataset;
  $("play").setAttribute("aria-label", audio.paused ? play : pause);
  player.classList.toggle("playing", !audio.paused);
  if ("mediaSession" in navigator) navigator.mediaSession.playbackState = audio.paused ? "paused" : "playing";
};

// --- What is done.

const play = () => audio.play().catch(() => {}); // refused, or another version was chosen meanwhile
const toggle = () => (audio.paused ? play() : audio.pause());

let wanted = null; // a position, while nothing is loaded that could be there

const go = (seconds) => {
  const to = Math.min(Math.max(0, seconds), length() || Infinity);
  if (audio.readyState === HTMLMediaElement.HAVE_NOTHING) wanted = to;
  audio.currentTime = to;
  show();
  tell();
};

const keys = {
  ArrowLeft: () => audio.currentTime - step(),
  ArrowDown: () => audio.currentTime - step(),
  ArrowRight: () => audio.currentTime + step(),
  ArrowUp: () => audio.currentTime + step(),
  PageDown: () => audio.currentTime - bigStep(),
  PageUp: () => audio.currentTime + bigStep(),
  Home: () => 0,
  End: () => length(),
};

seek.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " ") toggle();
  else if (Object.hasOwn(keys, event.key)) go(keys[event.key]());
  else return;
  event.preventDefault();
});
seek.addEventListener("input", () => go(Number(seek.value)));
$("play").addEventListener("click", toggle);

// --- How loud, and how fast. What the system offers for it (a headset, a phone's keys) is shown here too.

const percent = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
const isSilent = () => audio.muted || audio.volume === 0;
let lastHeard = 1;

const showVolume = () => {
  const volume = isSilent() ? 0 : audio.volume;
  $("volume").value = volume;
  $("volume").setAttribute("aria-valuetext", percent.format(volume));
  $("mute").setAttribute("aria-pressed", isSilent());
};

$("mute").addEventListener("click", () => {
  if (audio.volume === 0) audio.volume = lastHeard;
  else audio.muted = !audio.muted;
});
$("volume").addEventListener("input", ({ target }) => {
  audio.volume = Number(target.value);
  audio.muted = false;
});
// Not on the way: whoever drags it to nothing passes what can hardly be heard.
$("volume").addEventListener("change", () => {
  if (audio.volume) lastHeard = audio.volume;
});
$("speed").addEventListener("change", ({ target }) => {
  audio.playbackRate = Number(target.value);
});
audio.addEventListener("volumechange", showVolume);
audio.addEventListener("ratechange", () => {
  $("speed").value = audio.playbackRate;
});

// --- Versions: the same moment of another one, playing if this one plays.

const links = () => [...document.querySelectorAll("#versions a")];
const current = () => audio.getAttribute("src") ?? audio.currentSrc;
const isCurrent = (link) => link.href === new URL(current() || "about:blank", location).href;

const showVersions = () => {
  for (const link of links()) {
    link.hidden = !audio.canPlayType(link.dataset.type);
    if (isCurrent(link)) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
};

// A version without the silence in front begins later in the sound than the others.
const beginning = (link) => Number(link?.dataset.beginsAt ?? 0);

const switchTo = (link) => {
  const at = Math.max(0, (wanted ?? audio.currentTime) + beginning(links().find(isCurrent)) - beginning(link));
  const isPlaying = !audio.paused;
  audio.defaultPlaybackRate = audio.playbackRate; // loading sets the one to the other
  audio.src = link.getAttribute("href");
  wanted = at;
  audio.currentTime = at;
  if (isPlaying) play();
  say("");
  showVersions();
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("#versions a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (isCurrent(link)) return;
  switchTo(link);
  $("heard").textContent = fill(player.dataset.heard, { version: link.textContent }); // a key may have clicked it from elsewhere
});

audio.addEventListener("loadedmetadata", () => {
  if (wanted !== null && Math.abs(audio.currentTime - wanted) > 0.05) audio.currentTime = Math.min(wanted, length());
  wanted = null;
});

// What could not be played may have become a rendition that can be.
const isMute = () => audio.error !== null || audio.networkState === HTMLMediaElement.NETWORK_NO_SOURCE || !current();

const look = () => {
  const best = links().find((link) => !isCurrent(link) && audio.canPlayType(link.dataset.type));
  if (isMute() && best) switchTo(best);
  showVersions();
  show();
};

for (const swapped of ["htmx:oobAfterSwap", "htmx:afterSwap"]) document.addEventListener(swapped, look);

audio.addEventListener("error", () => say(player.dataset.unheard));

// --- Moments: …#t=64 or #t=1:04.

const moment = () => {
  const found = /^#t=(\d+(?::\d{1,2}){0,2}(?:\.\d+)?)$/.exec(location.hash);
  return found && found[1].split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
};

const toMoment = () => {
  if (moment() !== null) go(moment());
};

window.addEventListener("hashchange", toMoment);

$("moment").addEventListener("click", async () => {
  const at = Math.floor(audio.currentTime);
  const link = `${location.origin}${location.pathname}#t=${at}`;
  try {
    await navigator.clipboard.writeText(link);
    say(player.dataset.copied, { time: clock(at) });
  } catch {
    history.replaceState(history.state, "", link); // no clipboard without https, or not for us
    say(player.dataset.shown, { time: clock(at) });
  }
});

// --- The system's own buttons, and one player at a time.

if ("mediaSession" in navigator) {
  const { title, artist, album } = player.dataset;
  navigator.mediaSession.metadata = new MediaMetadata({ title, artist, album });
  const deeds = {
    play,
    pause: () => audio.pause(),
    seekbackward: ({ seekOffset }) => go(audio.currentTime - (seekOffset ?? 2 * STEP)),
    seekforward: ({ seekOffset }) => go(audio.currentTime + (seekOffset ?? 2 * STEP)),
    seekto: ({ seekTime }) => go(seekTime),
  };
  for (const [name, deed] of Object.entries(deeds)) navigator.mediaSession.setActionHandler(name, deed);
}

const others = new BroadcastChannel("player");
others.addEventListener("message", () => audio.pause());

audio.addEventListener("play", () => {
  others.postMessage("playing");
  showState();
  follow();
});
for (const changed of ["pause", "ended", "emptied"]) audio.addEventListener(changed, showState);
for (const moved of ["timeupdate", "seeked", "durationchange", "loadedmetadata"]) audio.addEventListener(moved, show);
audio.addEventListener("pause", tell);
for (const known of ["loadstart", "loadeddata"]) audio.addEventListener(known, showVersions);

for (const id of ["play", "seek", "tools"]) $(id).hidden = false;
audio.controls = false;
showState();
showVolume();
look();
tell();
toMoment();
