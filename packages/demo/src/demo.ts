import { ACTS, type ActName } from "./acts.ts";
import { Refused } from "./api.ts";
import { at, h } from "./dom.ts";
import { fail, play, say } from "./laptop.ts";
import { showPhone, showReal } from "./phone.ts";
import { discover, type Endpoints, likelyToken, openScene, type Scene } from "./scene.ts";
import { beginAct } from "./timeline.ts";
import { WORDS } from "./words.ts";

const buttons = at("acts");
let scene: Scene | undefined;

const isReady = (is: boolean): void => {
  for (const button of buttons.querySelectorAll("button")) button.disabled = !is;
};

/** Makes the scene, with the token of development or one that is typed. */
async function begin(token: string, isNew: boolean): Promise<Scene | undefined> {
  isReady(false);
  say(h("p", { class: "soft" }, WORDS.settingUp));
  if (isNew) beginAct(WORDS.setUp);
  try {
    scene = await openScene(token, isNew);
  } catch (error) {
    if (!(error instanceof Refused) || error.status !== 401) throw error;
    askToken(isNew, token !== likelyToken());
    return undefined;
  }
  say(h("p", {}, WORDS.ready(scene.user.email)));
  isReady(true);
  return scene;
}

/** A server that has an admin token of its own: the one who runs it knows it. */
function askToken(isNew: boolean, wasTyped: boolean): void {
  const field = h("input", { id: "token", type: "password", autocomplete: "off", required: true });
  const form = h(
    "form",
    {},
    h("p", {}, WORDS.askToken),
    ...(wasTyped ? [h("p", { role: "alert", class: "bad" }, WORDS.wrongToken)] : []),
    h("label", { for: "token" }, WORDS.token),
    field,
    h("button", { class: "button primary" }, WORDS.go),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    start(field.value, isNew).catch(fail);
  });
  say(form);
  field.focus();
}

async function start(token: string, isNew: boolean): Promise<void> {
  const begun = await begin(token, isNew);
  if (begun) await showPhone(begun);
}

/** Keys belong to the address that the server calls itself by, and sockets lead there. */
function showElsewhere(issuer: string): void {
  const address = `${issuer}/demo`;
  say(
    h("p", {}, `${WORDS.elsewhere} ${issuer}. ${WORDS.elsewhereWhy}`),
    h("p", {}, h("a", { href: address }, address)),
  );
}

function offer(endpoints: Endpoints): void {
  for (const act of Object.keys(ACTS) as ActName[]) {
    const press = () => scene && play(act, scene, endpoints).catch(fail);
    const button = h(
      "button",
      { type: "button", class: "button", click: () => void press() },
      WORDS.acts[act],
    );
    buttons.append(button);
  }
  isReady(false);
  at("again").addEventListener("click", () => void start(likelyToken(), true).catch(fail));
  showReal(endpoints.issuer, () => begin(likelyToken(), true));
}

async function open(): Promise<void> {
  beginAct(WORDS.setUp);
  const endpoints = await discover();
  if (endpoints.issuer !== location.origin) return showElsewhere(endpoints.issuer);
  offer(endpoints);
  await start(likelyToken(), false);
}

open().catch(fail);
