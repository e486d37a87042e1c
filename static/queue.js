// What goes up: in which order, how far each file is, and what can be done about it.

const PARALLEL = 3;

const $ = (id) => document.getElementById(id);
const words = JSON.parse(document.querySelector("meta[name='words']")?.content ?? "{}");
export const say = (sentence, values = {}) => (words[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => values[name]);

const numbers = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 });
const megabytes = (count) => `${numbers.format(count < 1e7 ? count / 1e6 : Math.round(count / 1e6))} MB`;
const time = (seconds) => {
  if (seconds < 90) return say("{count} s", { count: Math.max(1, Math.round(seconds)) });
  if (seconds < 5400) return say("{count} min", { count: Math.round(seconds / 60) });
  return say("{count} h", { count: numbers.format(seconds / 3600) });
};
const percent = (loaded, size) => (size ? Math.floor((loaded / size) * 100) : 0);
const share = (loaded, size) => `${percent(loaded, size)} %`;

export const tell = (sentence) => {
  $("sending-said").textContent = sentence;
};

/** How fast it goes, by what has gone in the last seconds. */
class Pace {
  static SECONDS = 8;
  points = [];

  /** A few words on rate and time left; nothing before that can be known. */
  of(loaded, size) {
    const now = performance.now() / 1000;
    const last = this.points.at(-1);
    if (!last || now - last.at > 0.2) this.points.push({ at: now, loaded });
    while (this.points.length > 2 && this.points[1].at < now - Pace.SECONDS) this.points.shift();
    const [first] = this.points;
    const rate = (loaded - first.loaded) / (now - first.at);
    if (now - first.at < 0.5 || !(rate > 0)) return "";
    return ` · ${megabytes(rate)}/s · ${say("{time} left", { time: time((size - loaded) / rate) })}`;
  }

  rest() {
    this.points = [];
  }
}

/** All transfers of a page, in their order, with three connections between them. */
export class Queue {
  transfers = [];
  busy = 0;

  constructor() {
    addEventListener("online", () => this.goOn("lost", "troubled"));
  }

  add(transfer) {
    this.transfers.push(transfer);
    transfer.addEventListener("change", () => this.fill());
    this.fill();
  }

  remove(transfer) {
    this.transfers = this.transfers.filter((each) => each !== transfer);
  }

  /** Let those that stand still for one of these reasons go on. */
  goOn(...states) {
    for (const each of this.transfers) if (states.includes(each.state)) each.goOn();
  }

  fill() {
    // Without a connection nothing new is begun: those that have been will tell when it is back.
    const isHeldUp = this.transfers.some((each) => each.isHeldUp);
    for (const each of this.transfers) {
      while (this.busy < PARALLEL && each.hasWork && !(isHeldUp && each.state === "waiting")) {
        this.busy += 1;
        each.work().finally(() => {
          this.busy -= 1;
          this.fill();
        });
      }
    }
  }
}

const SAID = {
  waiting: () => say("Waiting"),
  comparing: () => say("Looking whether it is here already…"),
  paused: (done) => say("Paused at {share}", { share: done }),
  lost: (done) => say("Waiting for connection · {share}", { share: done }),
  troubled: (done) => say("The server does not answer as it should. Trying again… · {share}", { share: done }),
  "signed-out": () => say("You have been signed out. Sign in again, and it goes on."),
  resuming: () => say("Waiting"),
  elsewhere: () => say("It goes up in another tab."),
  checking: () => say("Checking…"),
  done: () => say("Uploaded"),
  known: () => say("Already here:"),
};
// What the buttons of a row are there for.
const DEEDS = {
  pause: ["sending", "waiting", "lost", "troubled", "resuming"],
  resume: ["paused", "signed-out"],
  now: ["lost", "troubled"],
  again: ["refused"],
  insist: ["known"],
  cancel: ["waiting", "comparing", "sending", "paused", "lost", "troubled", "signed-out", "resuming", "elsewhere"],
  dismiss: ["refused", "known", "done"],
};

/** The row of one transfer. */
export class Row {
  constructor(transfer) {
    this.transfer = transfer;
    this.pace = new Pace();
    this.element = $("upload-row").content.firstElementChild.cloneNode(true);
    this.element.querySelector(".name").textContent = transfer.file.name;
    this.bar = this.element.querySelector("progress");
    this.bar.setAttribute("aria-label", say("Upload of {name}", { name: transfer.file.name }));
    this.text = this.element.querySelector(".said");
    this.link = this.element.querySelector("a");
    for (const button of this.element.querySelectorAll("[data-deed]")) {
      button.setAttribute("aria-label", `${button.textContent}: ${transfer.file.name}`);
    }
    this.show();
    transfer.addEventListener("change", () => {
      this.frame ||= requestAnimationFrame(() => this.show());
    });
  }

  show() {
    this.frame = 0;
    const { state, file, loaded, came } = this.transfer;
    const done = share(loaded, file.size);
    if (state !== "sending") this.pace.rest();
    this.element.dataset.state = state;
    this.bar.value = state === "checking" || state === "done" ? 100 : percent(loaded, file.size);
    this.bar.hidden = ["refused", "known", "done"].includes(state);
    const isNext = state === "sending" && !loaded && !this.transfer.flying.size; // others go before it
    this.said =
      isNext ? SAID.waiting()
      : state === "sending" ? `${done}${this.pace.of(loaded, file.size)}`
      : state === "refused" ? this.reason()
      : SAID[state]?.(done) ?? "";
    if (this.text.textContent !== this.said) this.text.textContent = this.said;
    this.link.hidden = !came;
    if (came) {
      this.link.href = came.href;
      this.link.textContent = came.name;
    }
    for (const button of this.element.querySelectorAll("[data-deed]")) {
      button.hidden = !DEEDS[button.dataset.deed].includes(state) || (button.dataset.deed === "again" && this.transfer.isFinal);
    }
    if (document.activeElement.hidden && this.element.contains(document.activeElement)) this.focus();
  }

  reason() {
    const { why, status } = this.transfer;
    if (why) return why;
    return status
      ? say("The server did not take this file ({status}).", { status })
      : say("This file cannot be read any more. Please choose it again.");
  }

  focus() {
    this.element.querySelector("[data-deed]:not([hidden])")?.focus();
  }

  /** Put the row away. Who was in it goes on to the next one, or to the list. */
  remove() {
    const next = this.element.nextElementSibling ?? this.element.previousElementSibling;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.remove();
    if (hadFocus) (next?.querySelector("button:not([hidden])") ?? $("list-title")).focus();
  }
}

/** What is told of all of them together, in a bar and, at each quarter, in words. */
export class Whole {
  pace = new Pace();
  told = 0;

  /** Those that are under way, and the files that are up. */
  show(moving, up) {
    const before = up.reduce((sum, file) => sum + file.size, 0);
    const size = before + moving.reduce((sum, { file }) => sum + file.size, 0);
    const loaded = before + moving.reduce((sum, each) => sum + each.loaded, 0);
    const isOn = moving.some(({ state }) => state === "sending");
    const focused = document.activeElement;
    if (!isOn) this.pace.rest();
    $("whole").hidden = moving.length + up.length < 2 || !moving.length;
    $("whole-pause").hidden = !isOn;
    $("whole-resume").hidden = !moving.some(({ state }) => state === "paused");
    $("whole-bar").value = percent(loaded, size);
    const counted = say("{number} of {count} files", { number: up.length, count: moving.length + up.length });
    $("whole-said").textContent = `${counted} · ${share(loaded, size)}${isOn ? this.pace.of(loaded, size) : ""}`;
    if (focused.hidden && $("whole").contains(focused)) $("whole").querySelector("button:not([hidden])")?.focus();
    this.speak(size ? loaded / size : 0);
  }

  speak(part) {
    const quarter = Math.floor(part * 4) * 25;
    if (quarter > this.told && quarter < 100) tell(say("{share} uploaded.", { share: `${quarter} %` }));
    this.told = Math.max(this.told, quarter);
  }

  rest() {
    this.told = 0;
  }
}

