// What plain forms and messages do beyond what the browser does by itself.

// --- A form that is on its way is not sent a second time. Without this the server makes one of two, see web/auth.py.

// Whoever stops the browser may try again after this. A file that is sent takes as long as it takes.
const PATIENCE = 10_000;

const release = (form) => {
  delete form.dataset.underWay;
  for (const button of form.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  // Those that htmx or a script of ours sends are guarded by these.
  if (event.defaultPrevented || form.method !== "post") return;
  if ("underWay" in form.dataset) {
    event.preventDefault();
    return;
  }
  // Browsers offer to keep a password only if the field is one.
  for (const button of form.querySelectorAll("[data-reveal][aria-pressed=true]")) reveal(button, false);
  form.dataset.underWay = "";
  // Not `disabled`: the button would lose the focus, and its name and value would not be sent.
  event.submitter?.setAttribute("aria-disabled", "true");
  if (form.enctype !== "multipart/form-data") setTimeout(release, PATIENCE, form);
});

// Back may bring the page as it was left, and perhaps somebody has signed out meanwhile.
addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[data-under-way]")) release(form);
  if (event.persisted) window.htmx?.trigger(document.body, "poll-now");
});

// --- A password can be looked at.

const reveal = (button, isShown) => {
  button.setAttribute("aria-pressed", isShown);
  const field = document.getElementById(button.getAttribute("aria-controls"));
  field.type = isShown ? "text" : "password";
};

for (const button of document.querySelectorAll("[data-reveal]")) {
  button.hidden = false;
  button.addEventListener("click", () => reveal(button, button.getAttribute("aria-pressed") !== "true"));
}

// --- A message can be put away.

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-put-away]");
  if (!button) return;
  const hadFocus = button.contains(document.activeElement);
  button.closest(".message").remove();
  if (hadFocus) document.getElementById("content").focus();
});
