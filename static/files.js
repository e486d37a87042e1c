// The list of files and a file's page: selecting, renaming, and where the focus goes when its place is gone.

const $ = (id) => document.getElementById(id);
const words = JSON.parse(document.querySelector("meta[name='words']")?.content ?? "{}");
const say = (sentence, values) => (words[sentence] ?? sentence).replace(/\{(\w+)\}/g, (_, name) => values[name]);

// --- Selecting. What is selected is kept here too, because polls replace the rows.

const selection = $("selection");
const chosen = new Set();
const boxes = () => [...document.querySelectorAll("#listing input[name='files']")];

const showSelection = () => {
  const count = chosen.size;
  selection.parentElement.classList.toggle("selecting", count > 0);
  const said = count ? say("{count} selected", { count }) : "";
  if ($("selected-count").textContent !== said) $("selected-count").textContent = said;
};

const select = (isWanted) => {
  for (const box of boxes()) box.checked = isWanted(box);
  chosen.clear();
  for (const box of boxes()) if (box.checked) chosen.add(box.value);
  showSelection();
};

const dropSelection = () => {
  select(() => false);
  $("list-title").focus();
};

if (selection) {
  document.addEventListener("change", (event) => {
    if (event.target.name === "files") select((box) => box.checked);
  });
  for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
    document.addEventListener(swapped, () => select((box) => chosen.has(box.value) || box.checked));
  }
  // A browser that comes back to the page may have kept the marks.
  window.addEventListener("pageshow", () => select((box) => box.checked));
  $("select-all").addEventListener("click", () => select(() => true));
  $("select-none").addEventListener("click", dropSelection);
  selection.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr.status === 200) dropSelection();
  });
}

// --- What was folded out for one deed is folded in when it is done.

document.addEventListener("htmx:afterRequest", (event) => {
  const { pathInfo, xhr } = event.detail;
  const id = { rename: "renaming", jobs: "more" }[pathInfo.requestPath.split("/").pop()];
  if (!id || xhr.status !== 200) return;
  requestAnimationFrame(() => {
    $(id).open = false;
    $(id).querySelector("summary").focus();
  });
});

// --- What cannot be taken back is asked before, in a dialog, so that the page stays and the sound goes on.

const asking = $("asking");
let asker = "";

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== asking || detail.xhr.status !== 200 || asking.open) return;
  asker = detail.requestConfig.elt.id;
  asking.showModal();
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  // Without an answer the question stands: the page says that the connection is lost.
  if (asking?.contains(detail.elt) && detail.xhr.status) asking.close();
});
asking?.addEventListener("close", () => {
  // The link that asked may have been made anew meanwhile.
  if (document.activeElement === document.body) ($(asker) ?? $("renditions-title")).focus();
});

// --- The focus is never lost with the thing that had it: it goes to the heading of its region.

let last = null;

document.addEventListener("focusin", ({ target }) => {
  last = { target, home: target.closest("[data-home]")?.dataset.home };
});
document.addEventListener("pointerdown", () => {
  last = null; // whoever points elsewhere has left
});
document.addEventListener("htmx:oobAfterSwap", () => {
  // Others restore it by its id first, see app.js.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (last?.home && !last.target.isConnected && document.activeElement === document.body) $(last.home)?.focus();
    }),
  );
});
