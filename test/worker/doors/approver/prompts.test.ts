import { describe, expect, test } from "vitest";
import { userSubject } from "../../../../src/core/ids.ts";
import { newParty, poll, start } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { pageDeployment } from "../../support/page.ts";
import { newPhoneOwner } from "../../support/phone.ts";

const at = pageDeployment();
// biome-ignore lint/suspicious/noExplicitAny: the support of CIBA takes a deployment that can be asked
const deployed = at as any;

describe.each(["passkey", "key"] as const)("a phone with a %s", (kind) => {
  test("is shown who asks, approves with the number on the screen, and the client gets tokens that say so", async () => {
    const { phone, id } = await newPhoneOwner(at, kind);
    const party = await newParty(deployed, { approve_through: "own" });
    const started = await start(deployed, party, id, { binding_message: "Table 4" });
    expect(started).toMatchObject({ status: 200, body: { match_code: expect.stringMatching(/^\d{6}$/) } });
    const [prompt] = await phone.prompts();
    expect(prompt).toMatchObject({
      match: "number",
      answers: ["deny", "approve"],
      payload: {
        v: 1,
        iss: "http://localhost:8787",
        client: { id: party.id, name: "Shop" },
        purpose: "sign_in",
        shown: { message: "Table 4", at: expect.any(Number) },
      },
    });
    const decided = await phone.decide(prompt, {
      decision: "approve",
      match_code: String(started.body.match_code),
    });
    expect(decided).toMatchObject({ status: 200, body: { state: "approved" } });
    const polled = await poll(deployed, party, started);
    expect(polled.status).toBe(200);
    expect(claimsOf(polled.body.id_token)).toMatchObject({
      sub: id,
      acr: kind === "passkey" ? "urn:signin:acr:device-match-uv" : "urn:signin:acr:device-match",
      amr: expect.arrayContaining(["mca"]),
    });
    expect(await phone.prompts()).toEqual([]);
  });

  test("T03 a bare tap approves nothing", async () => {
    const { phone, id } = await newPhoneOwner(at, kind);
    const party = await newParty(deployed);
    const started = await start(deployed, party, id);
    const [prompt] = await phone.prompts();
    expect(await phone.decide(prompt, { decision: "approve" })).toMatchObject({
      status: 400,
      body: { code: "number_needed" },
    });
    expect((await poll(deployed, party, started)).body.error).toBe("authorization_pending");
  });

  test("declines, and says that it was somebody else", async () => {
    const { phone, id } = await newPhoneOwner(at, kind);
    const party = await newParty(deployed);
    const started = await start(deployed, party, id);
    const [prompt] = await phone.prompts();
    expect(await phone.decide(prompt, { decision: "deny", not_me: true })).toMatchObject({
      status: 200,
      body: { state: "denied" },
    });
    expect((await poll(deployed, party, started)).body.error).toBe("access_denied");
    expect((await at.services.inboxes.view(userSubject(id))).silences).toMatchObject([
      { clientId: party.id },
    ]);
  });
});
