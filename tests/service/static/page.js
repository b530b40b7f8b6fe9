// Ignores a second click on a form, follows the link to the application, loads the next page when the service sends an
// event, and counts down the time left. The pages also work without this script.
"use strict";
// Milliseconds during which a second click on a form is ignored. After that, the person may try again, because the
// service responds to a repeated form as to the first one.
const AGAIN_AFTER = 3000;
let sent = new WeakMap();
document.addEventListener("submit", (event) => {
  const last = sent.get(event.target);
  if (last !== undefined && performance.now() - last < AGAIN_AFTER) {
    event.preventDefault();
    return;
  }
  sent.set(event.target, performance.now());
  if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
});
// When the page is restored from the back/forward cache, its forms may be sent again.
addEventListener("pageshow", (event) => {
  if (event.persisted) sent = new WeakMap();
});
const leave = document.getElementById("leave");
if (leave) location.replace(leave.href);
const page = document.getElementById("page");
if (page.dataset.events) {
  // An event submits this form, so the form is hidden while the event stream works.
  const form = document.querySelector("form[data-on-turn]");
  const source = new EventSource(page.dataset.events);
  if (form) form.hidden = true;
  source.addEventListener("turn", () => {
    source.close();
    if (form) form.requestSubmit(); else location.reload();
  });
  source.addEventListener("error", () => {
    if (form && source.readyState === EventSource.CLOSED) form.hidden = false;
  });
  // A phone suspends this page while another app is in front. When the person comes back, load the current state.
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && source.readyState === EventSource.CLOSED) location.reload();
  });
}
const timeLeft = (seconds) => {
  if (seconds >= 60) return Math.ceil(seconds / 60) + (seconds > 60 ? " minutes left" : " minute left");
  return seconds === 1 ? "1 second left" : seconds + " seconds left";
};
const left = document.getElementById("left");
if (left) {
  const whole = Number(left.dataset.seconds), end = Date.now() + whole * 1000;
  const words = left.querySelector(".words"), bar = left.querySelector(".bar span");
  const show = () => {
    const seconds = Math.max(0, Math.round((end - Date.now()) / 1000));
    words.textContent = timeLeft(seconds);
    bar.style.width = (whole ? 100 * seconds / whole : 0) + "%";
    if (seconds > 0) setTimeout(show, 1000);
  };
  show();
}
