// The page turns by itself when the service says so, and counts its time down. It works without this too.
"use strict";
const page = document.getElementById("page");
if (page.dataset.events) {
  const source = new EventSource(page.dataset.events);
  source.addEventListener("turn", () => {
    source.close();
    const form = document.querySelector("form[data-on-turn]");
    if (form) form.requestSubmit(); else location.reload();
  });
}
const left = document.getElementById("left");
if (left) {
  const whole = Number(left.dataset.seconds), end = Date.now() + whole * 1000;
  const words = left.querySelector(".words"), bar = left.querySelector(".bar span");
  const show = () => {
    const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
    words.textContent = seconds === 1 ? "1 second left" : seconds + " seconds left";
    bar.style.width = (whole ? 100 * seconds / whole : 0) + "%";
    if (seconds > 0) setTimeout(show, 1000);
  };
  show();
}
