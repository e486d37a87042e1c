// A file on its way up in parts, whatever comes between. No page is known here. See webapp/web/uploads.py.

import { Trouble, ask, checksum, fingerprint, put } from "./requests.js";

const SHORTEST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
// To look into a file takes longer than to answer.
const COMPLETION = 180_000;
// What may pass by itself, but need not: a body that was cut, an address that has expired, another tab's part.
const TRIES = 5;
const passes = (status) => status === 0 || status === 408 || status === 429 || status >= 500;
const MOVING = new Set(
  ["waiting", "comparing", "sending", "lost", "troubled", "signed-out", "resuming", "elsewhere", "checking"],
);

/**
 * One file that goes up. Each change is told by the event "change".
 *
 * waiting → (comparing → known) → sending → checking → done, or refused, or canceled. On the way it may be paused, lost
 * (no connection), troubled (the server does not answer well), signed-out or elsewhere (another tab sends it), and goes
 * on from there by way of resuming. Whoever has waited for something looks whether it still stands where it stood.
 */
export class Transfer extends EventTarget {
  state = "waiting";
  /** Why it was refused, in the server's words, and the server's status; 0: the file cannot be read. */
  why = "";
  status = 0;
  /** The file that came of it, or that was here already. */
  came = null;
  id = "";
  /** The numbers of the parts that have to go up; null before it has begun. */
  missing = null;
  flying = new Map();
  addresses = {};
  failures = 0;
  oddities = 0;
  furthest = 0;

  constructor(file, wanted) {
    super();
    this.file = file;
    this.wanted = wanted;
  }

  get isUnderWay() {
    return MOVING.has(this.state) || this.state === "paused";
  }

  /** Whether it waits for something that may not come soon. */
  get isHeldUp() {
    return this.state === "lost" || this.state === "troubled";
  }

  /** Whether there is something to do for which a connection is needed. */
  get hasWork() {
    return (this.state === "waiting" && !this.isBeginning) || (this.state === "sending" && this.missing.length > 0);
  }

  /** Bytes that are up or on the line. It never falls. */
  get loaded() {
    if (!this.missing) return this.furthest;
    const open = [...this.missing, ...this.flying.keys()].reduce((sum, number) => sum + this.sizeOf(number), 0);
    const flown = [...this.flying.values()].reduce((sum, { loaded }) => sum + loaded, 0);
    this.furthest = Math.max(this.furthest, this.file.size - open + flown);
    return this.furthest;
  }

  sizeOf(number) {
    return Math.min(this.partSize, this.file.size - (number - 1) * this.partSize);
  }

  move(state) {
    this.state = state;
    if (!this.isUnderWay) this.letGo();
    this.dispatchEvent(new Event("change"));
  }

  /** Do one thing of what there is to do. */
  async work() {
    await this.dare(() => (this.missing ? this.send(this.missing.shift()) : this.begin()));
  }

  /** Do it, and face what comes of it. */
  async dare(deed) {
    const { id } = this;
    try {
      await deed();
      if (this.state === "sending" && !this.missing.length && !this.flying.size) await this.complete();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      // What an upload was told that has been forgotten since is told nobody.
      if (id === this.id || !id) await this.face(error);
    }
  }

  async begin(mark) {
    this.isBeginning = true;
    try {
      const { name, size, type } = this.file;
      const fp = await fingerprint(this.file).catch(() => "");
      const told = await ask("POST", "/uploads", { name, size, type, fp, checksum: mark, ...this.wanted });
      this.id = told.id;
      if (this.state === "canceled") return this.discard();
      this.learn(told);
      if (this.state !== "waiting" && this.state !== "comparing") return; // paused meanwhile
      if (told.known) {
        this.came = told.known;
        this.discard();
        this.move("known");
      } else if (told.alike && !mark && crypto.subtle) await this.compare();
      else await this.hold();
    } finally {
      this.isBeginning = false;
    }
  }

  /** A file of just this size is here: before anything is sent twice, see whether it is the same. */
  async compare() {
    this.move("comparing");
    const mark = await checksum(this.file, this.partSize).catch(() => "");
    if (this.state !== "comparing") return;
    if (mark) await this.begin(mark);
    else await this.hold();
  }

  /** Send it, if no other tab does; else wait until that one ends. Two would take each other's parts away. */
  async hold() {
    if (!navigator.locks || this.release) {
      this.move("sending");
      return;
    }
    const name = `upload ${this.id}`;
    const keep = () => new Promise((resolve) => (this.release = resolve));
    await new Promise((resolve) => {
      navigator.locks.request(name, { ifAvailable: true }, (lock) => {
        resolve();
        this.move(lock ? "sending" : "elsewhere");
        return lock && keep();
      });
    });
    if (this.state !== "elsewhere") return;
    navigator.locks.request(name, () => {
      if (this.state !== "elsewhere") return null;
      const kept = keep();
      this.goOn();
      return kept;
    });
  }

  letGo() {
    this.release?.();
    this.release = null;
  }

  learn({ part_size: partSize, parts, have, urls }) {
    this.partSize = partSize;
    this.addresses = { ...urls };
    const isOpen = (number) => !have.includes(number) && !this.flying.has(number);
    this.missing = Array.from({ length: parts }, (_, index) => index + 1).filter(isOpen);
  }

  async send(number) {
    const part = { loaded: 0, stop: new AbortController() };
    const { id } = this;
    const from = (number - 1) * this.partSize;
    this.flying.set(number, part);
    try {
      const address = await this.addressOf(number);
      await put(address, this.file.slice(from, from + this.partSize), part.stop.signal, (loaded) => {
        part.loaded = Math.min(loaded, this.sizeOf(number));
        this.dispatchEvent(new Event("change"));
      });
      this.failures = this.oddities = 0;
    } catch (error) {
      if (id === this.id) this.missing?.unshift(number);
      if (error.status === 403) delete this.addresses[number];
      if (!part.stop.signal.aborted) throw error;
    } finally {
      if (this.flying.get(number) === part) this.flying.delete(number);
    }
  }

  /** Ours, or one elsewhere if the server has named such: it names the next hundred when they are asked for. */
  async addressOf(number) {
    if (Object.keys(this.addresses).length && !this.addresses[number]) {
      Object.assign(this.addresses, (await ask("GET", `/uploads/${this.id}?from=${number}`)).urls);
    }
    return this.addresses[number] ?? `/uploads/${this.id}/parts/${number}`;
  }

  async complete() {
    this.move("checking");
    this.came = await ask("POST", `/uploads/${this.id}/complete`, null, COMPLETION);
    this.move(this.came.file === this.id ? "done" : "known");
  }

  /** Go on in the way that the trouble asks for, or give up with the server's reason. */
  async face(error) {
    const { status, missing, kind } = error;
    const isLost = status === 0 && !(await this.isReadable());
    const isBegun = this.id !== "";
    if (!MOVING.has(this.state) || this.isHeldUp) return;
    if (isLost) this.refuse(error);
    else if (status === 401 || error.fresh) {
      this.move("signed-out");
      this.dispatchEvent(Object.assign(new Event("signed-out"), { fresh: error.fresh }));
    } else if (missing) {
      this.missing = missing;
      this.move("sending");
    } else if (status === 404 && isBegun && this.oddities++ < TRIES) {
      this.forget();
      this.wait(status);
    } else if (passes(status) && (isBegun || kind !== "StorageFull")) this.wait(status, error.retryAfter);
    else if (isBegun && status !== 413 && status !== 422 && this.oddities++ < TRIES) this.wait(status);
    else this.refuse(error);
  }

  /** Try again after a while: longer each time, and not all at the same moment. */
  wait(status, seconds = 0) {
    const longest = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.goOn(), Math.max(seconds * 1000, longest * (0.5 + Math.random() / 2)));
    this.move(status === 0 ? "lost" : "troubled");
  }

  /** Go on where it stopped. What has arrived is asked for first. */
  async goOn() {
    clearTimeout(this.timer);
    if (!this.isUnderWay || this.state === "checking") return;
    if (!this.missing) {
      this.move("waiting");
      return;
    }
    this.turn = Symbol("turn");
    const { turn } = this;
    this.move("resuming");
    await this.dare(async () => {
      const told = await ask("GET", `/uploads/${this.id}`);
      if (this.state !== "resuming" || this.turn !== turn) return;
      this.learn(told);
      await this.hold();
    });
  }

  /** Be refused for the reason that the server gave; for good, if another try would end the same. */
  refuse({ message, status }) {
    this.stop();
    Object.assign(this, { why: message, status, isFinal: status === 422 || status === 0 });
    this.move("refused");
  }

  pause() {
    this.stop();
    this.move("paused");
  }

  cancel() {
    const isOurs = this.state !== "elsewhere";
    this.stop();
    this.move("canceled");
    if (isOurs) this.discard();
  }

  /** Begin once more after a refusal: there may be room now. */
  again() {
    this.forget();
    this.move("waiting");
  }

  /** Send it all the same, though it is here already. */
  insist() {
    this.wanted.copy = true;
    this.came = null;
    this.again();
  }

  stop() {
    clearTimeout(this.timer);
    for (const { stop } of this.flying.values()) stop.abort();
  }

  forget() {
    this.letGo();
    Object.assign(this, { id: "", missing: null, addresses: {}, furthest: 0 });
  }

  /** Give the room back. If this does not arrive, it expires. */
  discard() {
    if (this.id) ask("DELETE", `/uploads/${this.id}`).catch(() => {});
  }

  /** A file that was changed or moved after it was chosen cannot be read any more. */
  async isReadable() {
    const first = this.file.slice(0, 1).arrayBuffer();
    return first.then(() => true, () => false);
  }
}
