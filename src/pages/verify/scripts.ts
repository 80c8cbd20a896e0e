// Plain scripts as browsers get them, admitted by the answer's nonce: no build step stands between this text and the page.

/** Counts the minutes down beside `[data-left]`; a page without script says once how long there is. */
export const COUNTDOWN_SCRIPT = `
(() => {
  const note = document.querySelector("[data-left]");
  if (!note) return;
  const end = performance.now() + Number(note.dataset.left);
  const show = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    note.textContent = note.dataset.words + " " + Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0");
    if (left === 0) clearInterval(timer);
  };
  const timer = setInterval(show, 1000);
  show();
  // The message goes by a queue: what became of it is known a little later, by the status of this very address.
  if (!new URLSearchParams(location.search).has("m") || document.getElementById("error")) return;
  const look = async () => {
    const { status } = await fetch(location.href, { method: "HEAD" }).catch(() => ({}));
    if (status === 422) location.reload();
  };
  for (const seconds of [3, 10, 30, 70, 130, 250]) setTimeout(look, seconds * 1000);
})();
`;

/**
 * Listens on the challenge's socket (docs/waiting.md) and goes on when it settles. A socket that breaks is opened again, later
 * each time; a page that was put away looks again when it is shown.
 */
export const WAIT_SCRIPT = `${COUNTDOWN_SCRIPT}
(() => {
  const note = document.getElementById("alive");
  if (!note) return;
  const { socket: address, handle, next } = note.dataset;
  let pause = 500;
  let over = false;
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
      if (JSON.parse(data).type === "settled") settle();
    };
    socket.onclose = () => {
      if (over) return;
      setTimeout(listen, pause + Math.random() * pause);
      pause = Math.min(pause * 2, 15000);
    };
  };
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  listen();
})();
`;
