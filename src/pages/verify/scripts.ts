// Plain scripts as browsers get them, admitted by the answer's nonce: no build step stands between this text and the page.

/** Writes each instant by the clock of the reader's own device. */
export const LOCAL_TIME_SCRIPT = `
for (const time of document.querySelectorAll("time"))
  time.textContent = new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
`;

/**
 * Counts down beside `[data-left]` and asks again when the time is up, so that the page turns into what it is by then; lets the button at
 * `[data-wait]` wait. A page without script says once how long there is.
 */
export const COUNTDOWN_SCRIPT = `
(() => {
  const note = document.querySelector("[data-left]");
  if (!note) return;
  const again = document.querySelector("[data-wait]");
  const label = again?.textContent;
  const began = [performance.now(), Date.now()];
  // A device that slept has a clock that ran on.
  const passed = () => Math.max(performance.now() - began[0], Date.now() - began[1]);
  const seconds = (span) => Math.max(0, Math.ceil((span - passed()) / 1000));
  const show = () => {
    const left = seconds(Number(note.dataset.left));
    note.textContent = note.dataset.words + " " + Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    const wait = again ? seconds(Number(again.dataset.wait)) : 0;
    if (again) {
      again.disabled = wait > 0;
      again.textContent = wait > 0 ? again.dataset.words.replace("{seconds}", wait) : label;
    }
    if (left > 0) return;
    clearInterval(timer);
    setTimeout(() => location.reload(), 300);
  };
  const timer = setInterval(show, 1000);
  show();
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  // The message goes by a queue: what became of it is known a little later, by the status of this very address.
  if (!new URLSearchParams(location.search).has("m") || document.getElementById("error")) return;
  const look = async () => {
    const { status } = await fetch(location.href, { method: "HEAD" }).catch(() => ({}));
    if (status === 422) location.reload();
  };
  for (const seconds of [3, 10, 30, 70, 130, 250]) setTimeout(look, seconds * 1000);
})();
`;

/** Six digits send themselves, in whichever script they are typed; what was sent is not sent twice. */
export const CODE_SCRIPT = `${COUNTDOWN_SCRIPT}
(() => {
  const field = document.getElementById("code");
  if (!field) return;
  let sent = false;
  field.form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  field.addEventListener("input", () => {
    if (field.value.replace(/[^\\p{Nd}]/gu, "").length === 6) field.form.requestSubmit();
  });
})();
`;

/**
 * Listens on the challenge's socket (docs/waiting.md) and goes on when it settles. Other scripts of the page hear of it by the events `line`
 * (the open socket, or none) and `said`. A socket that breaks is opened again, later each time; a page that was put away looks again when it
 * is shown.
 */
export const WAIT_SCRIPT = `${COUNTDOWN_SCRIPT}
(() => {
  const note = document.getElementById("alive");
  if (!note) return;
  const { socket: address, handle, next } = note.dataset;
  let pause = 500;
  let over = false;
  const tell = (type, detail) => note.dispatchEvent(new CustomEvent(type, { detail }));
  // A form of this page leads elsewhere: what it ends is no news.
  addEventListener("submit", () => { over = true; });
  const settle = () => {
    if (over) return;
    over = true;
    document.getElementById("go").hidden = false;
    note.hidden = true;
    location.assign(next);
  };
  const listen = () => {
    const socket = new WebSocket(address, ["countersign.v1", "countersign.handle." + handle]);
    socket.onmessage = ({ data }) => {
      if (data === "pong") return;
      pause = 500;
      const message = JSON.parse(data);
      tell("said", message);
      if (message.type === "settled") settle();
    };
    socket.onopen = () => tell("line", socket);
    socket.onclose = () => {
      tell("line");
      if (over) return;
      setTimeout(listen, pause + Math.random() * pause);
      pause = Math.min(pause * 2, 15000);
    };
  };
  listen();
})();
`;
