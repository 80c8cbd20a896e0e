import { at, h, qrCode } from "./dom.ts";
import type { Told } from "./record.ts";
import { hasPhone, newTicket, type Scene } from "./scene.ts";
import { note } from "./timeline.ts";
import { WORDS } from "./words.ts";

/** The phone page as the server hands it to this page alone: elsewhere it may not be framed. */
const PAGE = "/demo/phone";

const frame = at("phone") as HTMLIFrameElement;
const beside = at("beside");

addEventListener("message", ({ source, origin, data }) => {
  if (source === frame.contentWindow && origin === location.origin) note("phone", data as Told);
});

/** Opens the page anew, as a camera does that has read a code. */
function open(fragment: string): void {
  frame.hidden = false;
  frame.src = `${PAGE}?${Date.now()}${fragment}`;
}

/** What the code of a waiting screen says is opened by the phone in this page. */
export function scan(text: string): void {
  open(new URL(text).hash);
  frame.focus();
}

/** Shows the user's phone; where there is none yet, the one in this page is offered to them. */
export async function showPhone(scene: Scene): Promise<void> {
  open((await hasPhone(scene)) ? "" : `#add=${await newTicket(scene)}`);
}

/** Whether a phone can reach this address and have a key there. */
const isReachable = (issuer: string): boolean => {
  const { protocol, hostname } = new URL(issuer);
  return protocol === "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(hostname);
};

/** Says how a phone of one's own takes part; `begin` makes a user who has no phone yet. */
export function showReal(issuer: string, begin: () => Promise<Scene | undefined>): void {
  if (!isReachable(issuer)) {
    beside.replaceChildren(
      h("p", {}, WORDS.realPlain),
      h("pre", {}, h("code", {}, WORDS.realCommand)),
      h("p", {}, WORDS.realThen),
    );
    return;
  }
  const code = qrCode(WORDS.qr);
  const link = h("a", {}, WORDS.realLink);
  const shown = h(
    "div",
    { hidden: true },
    h("p", {}, WORDS.realSecure),
    code.element,
    h("p", {}, link),
    h("p", {}, WORDS.realTold),
  );
  const use = async () => {
    const scene = await begin();
    if (!scene) return;
    const address = `${issuer}/phone#add=${await newTicket(scene)}`;
    code.draw(address);
    link.href = address;
    shown.hidden = false;
    frame.hidden = true;
    frame.src = "about:blank";
  };
  beside.replaceChildren(
    h("button", { type: "button", class: "button", click: () => void use() }, WORDS.realButton),
    shown,
  );
}
