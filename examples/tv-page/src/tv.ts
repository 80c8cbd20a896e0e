import { createClient, isCountersignError, type Prompt, webStorage } from "countersign";
import { renderSVG } from "uqr";

declare const ISSUER: string;
declare const CLIENT_ID: string;

const client = createClient({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  scope: "openid offline_access",
  storage: webStorage(localStorage), // a television keeps its user signed in
});

const get = (id: string) => document.getElementById(id) as HTMLElement;

function show(name: "code" | "claimed" | "user" | "trouble"): void {
  for (const view of document.querySelectorAll("section")) view.hidden = view.id !== name;
}

function showPrompt({ state, userCode = "", verificationUri = "", qrText }: Prompt): void {
  if (state === "claimed") {
    show("claimed");
    return;
  }
  get("address").textContent = verificationUri.replace(/^https?:\/\//, "");
  get("letters").textContent = userCode;
  if (qrText !== undefined) get("qr").innerHTML = renderSVG(qrText, { border: 4 });
  show("code");
}

/** Shows a code, and a new one when nobody has used it. */
async function run(): Promise<void> {
  try {
    const session = (await client.session()) ?? (await client.deviceLogin({ onPrompt: showPrompt }));
    get("name").textContent = session.claims?.sub ?? "";
    show("user");
  } catch (error) {
    if (isCountersignError(error) && error.code === "expired") {
      await run();
      return;
    }
    get("reason").textContent =
      isCountersignError(error) && error.code === "denied" ? "You declined." : "That did not work.";
    show("trouble");
  }
}

get("again").onclick = () => void run();
get("sign-out").onclick = () => void client.signOut().finally(run);
await run();
