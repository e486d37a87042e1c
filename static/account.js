// The account's page: a browser is asked whether it may show notifications only when somebody switches them on.

const words = JSON.parse(document.querySelector("meta[name=words]")?.content ?? "{}");
const say = (sentence) => words[sentence] ?? sentence;

const box = document.getElementById("system_notifications");
const why = document.getElementById("system_notifications-why");

const permission = () => ("Notification" in window ? Notification.permission : "unsupported");

// Some browsers know it only from secure pages, and some only from apps on the home screen.
const REASONS = {
  unsupported: "This browser has no system notifications.",
  denied: "This browser does not allow it. Allow notifications in its settings for this site first.",
  default: "You have not allowed it yet. Switch it on again to be asked once more.",
};

box.addEventListener("change", async () => {
  why.textContent = "";
  if (!box.checked || permission() === "granted") return;
  const answer = permission() === "unsupported" ? "unsupported" : await Notification.requestPermission();
  if (answer === "granted") return;
  box.checked = false;
  why.textContent = say(REASONS[answer] ?? REASONS.denied);
});

// It may have been switched on in another browser.
if (box.checked && permission() !== "granted") {
  why.textContent = say("It is on, but this browser has not been asked yet. Switch it off and on again.");
}
