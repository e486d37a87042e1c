// What is asked of the server beside pages and fragments: JSON, and bytes whose way can be watched.

// A connection over which nothing has moved for so long is dead, whatever the system says.
const SILENCE = 45_000;
const LONGEST_WAIT_ASKED_FOR = 120;

/** An answer that is not what was hoped for; its status is 0 if there was none. */
export class Trouble extends Error {
  constructor(status, text = "", header = () => null) {
    const told = parsed(text);
    super(told.message ?? "");
    this.status = status;
    this.kind = told.error;
    this.missing = told.missing;
    this.retryAfter = Math.min(Number(header("Retry-After")) || 0, LONGEST_WAIT_ASKED_FOR);
    /** The token of the session that has begun meanwhile, and whose it is. */
    this.fresh = parsed(header("HX-Trigger") ?? "")["fresh-token"];
  }
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};

const token = () => document.querySelector("meta[name='csrf-token']").content;

/**
 * Ask, and be told in JSON. Throws Trouble, for an answer that is none of ours too: networks that want a sign-in of
 * their own say 200 to everything.
 */
export const ask = async (method, path, body, patience = SILENCE) => {
  const headers = { Accept: "application/json", "X-CSRFToken": token() };
  if (body) headers["Content-Type"] = "application/json";
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      keepalive: method === "DELETE",
      redirect: "error",
      signal: AbortSignal.timeout(patience),
    });
    text = await answer.text();
  } catch {
    throw new Trouble(0);
  }
  if (!answer.ok) throw new Trouble(answer.status, text, (name) => answer.headers.get(name));
  if (answer.status !== 204 && !text.startsWith("{")) throw new Trouble(0);
  return parsed(text);
};

/** Put bytes somewhere, telling how many have gone, until the signal stops it. Throws Trouble. */
export const put = (address, bytes, signal, onProgress) =>
  new Promise((resolve, reject) => {
    const isOurs = address.startsWith("/");
    const request = new XMLHttpRequest(); // fetch does not tell how far it is
    let silence = 0;
    const listen = () => {
      clearTimeout(silence);
      silence = setTimeout(() => request.abort(), SILENCE);
    };
    request.open("PUT", address);
    // An address elsewhere is signed, and is told nothing of ours.
    if (isOurs) request.setRequestHeader("X-CSRFToken", token());
    request.upload.addEventListener("progress", ({ loaded }) => {
      listen();
      onProgress(loaded);
    });
    request.addEventListener("loadend", () => {
      clearTimeout(silence);
      const { status, responseText } = request;
      const isTaken = isOurs ? status === 204 : status >= 200 && status < 300;
      if (isTaken) resolve();
      else reject(new Trouble(status < 300 ? 0 : status, responseText, (name) => request.getResponseHeader(name)));
    });
    signal.addEventListener("abort", () => request.abort());
    listen();
    if (signal.aborted) reject(new Trouble(0));
    else request.send(bytes);
  });

const SAMPLES = 16;
const SAMPLE_SIZE = 4096;

/**
 * What a file is known by when it is chosen again: its name, size and date, and a few kilobytes from all over it (by
 * FNV-1a), because files of one pack may have all the rest in common.
 */
export const fingerprint = async (file) => {
  let mark = 0x811c9dc5;
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const at = Math.floor((Math.max(0, file.size - SAMPLE_SIZE) * sample) / (SAMPLES - 1));
    for (const byte of new Uint8Array(await file.slice(at, at + SAMPLE_SIZE).arrayBuffer())) {
      mark = Math.imul(mark ^ byte, 0x01000193);
    }
  }
  return `${file.name}|${file.size}|${file.lastModified}|${(mark >>> 0).toString(16)}`;
};

const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** A random one (RFC 9562, version 4). Browsers have their own only for pages that come by https. */
export const uuid = () => {
  const digits = hex(crypto.getRandomValues(new Uint8Array(16)));
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-8${digits.slice(17, 20)}-${digits.slice(20)}`;
};

const sha256 = (bytes) => crypto.subtle.digest("SHA-256", bytes);

/** The mark by which the server knows equal files, see webapp/services/checksum.py. One part at a time is in memory. */
export const checksum = async (file, partSize) => {
  const digests = [];
  for (let at = 0; at < file.size; at += partSize) {
    digests.push(await sha256(await file.slice(at, at + partSize).arrayBuffer()));
  }
  return hex(await sha256(await new Blob(digests).arrayBuffer()));
};
