import { makeBrowser } from "./browser.ts";
import type { Person } from "./cast.ts";
import { expect } from "./expect.ts";
import { askForCode, type Coded, redeem, registerTv } from "./oauth.ts";
import { newestCode } from "./outbox.ts";
import { type Party, pendingAt, refused, type Stage, told } from "./steps.ts";
import { fetchKeys, verifyId } from "./tokens.ts";

/** A television shows a code, and the person types it in a browser. */
export async function television(stage: Stage, { metadata }: Party, person: Person): Promise<void> {
  const { origin, adminToken, timeline } = stage;
  timeline.heading("A television that nobody can type on");
  const client = await timeline.step(
    "operator",
    "registers the television, for the device grant",
    () => registerTv(origin, adminToken),
    ({ clientId }) => clientId,
  );
  const asked = await timeline.step(
    "tv",
    "gets a code and shows it",
    () => askForCode(client, metadata),
    ({ userCode, page }) => `${userCode} at ${page}`,
  );
  await pendingAt(stage, "tv", asked);
  await refused(stage, "tv", { client, metadata }, asked, "authorization_pending");
  const sentAt = await approveInBrowser(stage, asked, person);
  await told(stage, "tv", asked, "approved", sentAt);
  const tokens = await timeline.step("tv", "redeems device_code for tokens", () =>
    redeem(client, metadata, asked.grant),
  );
  await timeline.step(
    "tv",
    "verifies the ID token",
    async () => {
      const payload = await verifyId(metadata, await fetchKeys(metadata), tokens, client.clientId);
      expect(payload.sub === person.userId, "the person as the token's subject", payload.sub);
      return payload;
    },
    ({ sub, acr }) => `sub ${sub}, ${acr}`,
  );
}

/** The person types the television's code in a browser where nobody is signed in yet; passes on when they pressed. */
async function approveInBrowser({ origin, timeline }: Stage, asked: Coded, person: Person): Promise<number> {
  const browser = makeBrowser(origin);
  await timeline.step("browser", "types the code of the television", async () => {
    await browser.open(asked.page);
    await browser.submit({ user_code: asked.userCode });
  });
  await timeline.step(
    "browser",
    "signs in with a code by e-mail",
    async () => {
      const { identifier } = person;
      await browser.submit({ identifier, way: "code" });
      await browser.submit({ code: await newestCode(origin, identifier) });
      expect(
        browser.html.includes(asked.userCode),
        "a page with the television's code",
        browser.url.pathname,
      );
    },
    () => `is shown ${asked.userCode} again, to compare`,
  );
  return await timeline.step("browser", "approves", async () => {
    const sentAt = performance.now();
    await browser.submit({ decision: "approve" });
    return sentAt;
  });
}
