import { ACTS, type ActName, type Asked, collect, waitFor } from "./acts.ts";
import type { Json } from "./api.ts";
import { at, h, qrCode } from "./dom.ts";
import { scan } from "./phone.ts";
import { type Endpoints, hasPhone, type Scene } from "./scene.ts";
import { beginAct } from "./timeline.ts";
import { WORDS } from "./words.ts";

const screen = at("screen");

/** What goes on now; a new act ends it. */
let stop: (() => void) | undefined;
/** Of several presses the last one counts. */
let turn = 0;

export function say(...parts: readonly (Node | string)[]): void {
  screen.replaceChildren(...parts);
}

export function fail(error: unknown): void {
  stop?.();
  say(h("h3", {}, WORDS.failed), h("p", { role: "alert", class: "bad" }, String((error as Error).message)));
}

/** The figures as they are compared and typed: in groups. */
const grouped = (typed: string): string => typed.replace(/^(\d{3})(\d{3})$/, "$1 $2");

function showWaiting(
  act: ActName,
  { typed, until, scanned }: Asked,
): { draw(text: string): void; stop(): void } {
  const code = qrCode(WORDS.qr);
  let says = scanned;
  const left = h("p", { class: "soft", role: "timer" });
  const tick = () => {
    const seconds = Math.max(0, Math.round((until - Date.now()) / 1000));
    left.textContent = WORDS.left(seconds);
  };
  tick();
  const timer = setInterval(tick, 1000);
  const camera = h(
    "button",
    { type: "button", class: "button", hidden: scanned === undefined, click: () => says && scan(says) },
    WORDS.camera,
  );
  const draw = (text: string) => {
    says = text;
    code.draw(text);
    camera.hidden = false;
  };
  if (scanned !== undefined) draw(scanned);
  const asks = h(
    "div",
    {},
    h("h3", { class: "pulse" }, WORDS.waiting[act]),
    h("p", {}, act === "tv" ? WORDS.code : WORDS.number),
    h("p", { class: "typed figures" }, grouped(typed)),
    left,
    ...(act === "tv" ? [] : [h("p", { class: "soft" }, WORDS.nothingThere)]),
  );
  say(h("div", { class: "waiting" }, asks, h("div", { class: "scan" }, code.element, camera)));
  return { draw, stop: () => clearInterval(timer) };
}

const SHOWN: Readonly<Record<ActName, readonly string[]>> = {
  signIn: ["iss", "aud", "sub", "amr", "acr", "auth_time"],
  pay: ["aud", "sub", "acr", "auth_time", "authorization_details"],
  tv: ["iss", "aud", "sub", "amr", "acr", "auth_time"],
};

function shownClaim(name: string, value: unknown): string {
  if (name === "auth_time") return `${value} (${new Date(Number(value) * 1000).toLocaleTimeString()})`;
  if (typeof value === "string") return value;
  return JSON.stringify(value, null, name === "authorization_details" ? 1 : undefined);
}

function showClaims(act: ActName, claims: Json): void {
  const rows = SHOWN[act]
    .filter((name) => claims[name] !== undefined)
    .map((name) =>
      h("div", {}, h("dt", {}, name), h("dd", {}, h("code", {}, shownClaim(name, claims[name])))),
    );
  say(
    h("h3", { class: "good" }, act === "pay" ? WORDS.paid : (WORDS.over.approved ?? "")),
    h("p", {}, WORDS.claims[act]),
    h("dl", { class: "rows" }, ...rows),
  );
}

const showOver = (state: string): void => say(h("h3", { class: "bad" }, WORDS.over[state] ?? state));

/** Asks, waits and collects, as the app's backend and its screen together. */
export async function play(act: ActName, scene: Scene, endpoints: Endpoints): Promise<void> {
  stop?.();
  stop = undefined;
  turn += 1;
  const own = turn;
  beginAct(WORDS.acts[act]);
  if (!(await hasPhone(scene))) return say(h("p", { role: "alert" }, WORDS.noPhone));
  const asked = await ACTS[act].ask(scene, endpoints);
  if (own !== turn) return;
  const waiting = showWaiting(act, asked);
  const end = waitFor(ACTS[act].who, asked, endpoints.issuer, {
    scanned: waiting.draw,
    settled: (state) => {
      waiting.stop();
      if (state !== "approved") return showOver(state);
      collect(act, scene.client, endpoints, asked).then((claims) => showClaims(act, claims), fail);
    },
  });
  stop = () => {
    waiting.stop();
    end();
  };
}
