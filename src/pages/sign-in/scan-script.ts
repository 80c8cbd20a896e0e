import { WAIT_SCRIPT } from "../verify/scripts.ts";

/**
 * Shows a QR code whose value the challenge's socket gives and that is replaced every 25 s (docs/waiting.md). It goes when the line is lost, when
 * its value is over, and when another window has a newer one; a window that nobody looks at asks for none.
 */
export const SCAN_SCRIPT = `${WAIT_SCRIPT}
(() => {
  const box = document.getElementById("scan");
  if (!box) return;
  const note = document.getElementById("alive");
  const [RENEW, LIFE, PAUSE] = [25000, 30000, 5500];
  let line, renewal, end;
  let asked = -Infinity;
  let isOver = true;
  const hide = () => {
    isOver = true;
    box.hidden = true;
    clearTimeout(renewal);
    clearTimeout(end);
  };
  const ask = () => {
    clearTimeout(renewal);
    if (!line || !self.drawQr || document.visibilityState !== "visible") return;
    // Sooner than that the value would be the same.
    const pause = asked + (isOver ? PAUSE : RENEW) - performance.now();
    if (pause > 0) {
      renewal = setTimeout(ask, pause);
      return;
    }
    asked = performance.now();
    line.send("qr");
  };
  const show = (value) => {
    hide();
    isOver = false;
    const text = box.dataset.address + value;
    self.drawQr(box.querySelector("svg"), text);
    box.dataset.text = text;
    box.hidden = false;
    renewal = setTimeout(ask, RENEW);
    end = setTimeout(hide, LIFE);
  };
  note.addEventListener("line", ({ detail }) => {
    line = detail;
    asked = -Infinity;
    hide();
    ask();
  });
  note.addEventListener("said", ({ detail }) => {
    if (detail.type === "qr") show(detail.frame);
    if (detail.type === "qr_over") hide();
  });
  document.getElementById("drawer").addEventListener("load", ask);
  document.addEventListener("visibilitychange", ask);
  addEventListener("focus", ask);
})();
`;
