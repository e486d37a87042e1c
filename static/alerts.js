// What alerts do beyond their own forms and links.

const $ = (id) => document.getElementById(id);

// --- After a dismissal the focus goes to the next alert's button, or to the alerts' region.

document.addEventListener("htmx:configRequest", (event) => {
  // Seen here, because a button that is disabled while the request runs loses the focus.
  const alert = event.detail.elt.closest?.(".alert");
  if (alert?.contains(document.activeElement)) alert.dataset.leaving = "";
});

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id !== "alerts") return;
  const cards = [...document.querySelectorAll(".alert")];
  const leaving = cards.findIndex((card) => "leaving" in card.dataset);
  if (leaving < 0) return;
  const after = [...cards.slice(leaving + 1), ...cards.slice(0, leaving).reverse()].map((card) => card.id);
  requestAnimationFrame(() => {
    const next = after.map($).find(Boolean);
    (next?.querySelector(".x") ?? $("alerts")).focus();
  });
});

