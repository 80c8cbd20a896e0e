import { describe, expect, test } from "vitest";
import { fresh } from "../support/cotter.ts";
import {
  appPath,
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  pageDeployment,
  REDIRECT,
  verified,
} from "../support/page.ts";
import { havingName } from "../support/people.ts";

const email = () => `${fresh("ana")}@example.com`;

describe("an e-mail address is proven on the hosted page", () => {
  test("entry, code, redirect, exchange: tokens, identity and a user made on the fly", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at, { "User-Agent": "Phone browser" });
    const address = email();
    const path = await appPath(client);
    const entry = await person.get(path);
    expect(entry.status).toBe(200);
    expect(entry.text).toContain("<title>Your e-mail address - Shop</title>");
    const sent = await person.post(path, { identifier: address });
    expect(sent.status).toBe(303);
    expect(sent.location).toMatch(/^\/app\/check\/[0-9a-f]{64}\?m=/);
    const page = await person.get(sent.location);
    expect(page.status).toBe(200);
    expect(page.text).toContain(address);
    const message = at.last();
    expect(message).toMatchObject({
      channel: "email",
      to: address,
      template: "one_time_code",
      clientId: client,
    });
    expect(message.code).toMatch(/^\d{6}$/);
    expect(page.text).not.toContain(message.code);
    const done = await person.post(sent.location.split("?")[0] ?? "", { code: message.code ?? "" });
    expect(done.status).toBe(303);
    expect(done.location.startsWith(`${REDIRECT}?code=`)).toBe(true);
    expect(done.text).toContain("Continue to Shop");
    const given = handed(done.location);
    expect(given.state).toBe("abcXYZ456");
    expect(Number(given.challenge_id)).toBeLessThanOrEqual(2 ** 31 - 1);
    expect(given.code).toMatch(/^[A-Za-z0-9._-]+$/);

    const first = await exchange(at, client, given);
    expect(first.status).toBe(200);
    const { identifier, token, oauth_token, user } = first.body;
    expect(identifier).toMatchObject({
      identifier: address,
      identifier_type: "EMAIL",
      public_key: "",
      device_type: "BROWSER",
      device_name: "Phone browser",
      deleted_at: "0001-01-01T00:00:00Z",
    });
    expect(Date.parse(identifier.expiry) - Date.parse(identifier.timestamp)).toBe(2_592_000_000);
    expect(token).toMatchObject({
      identifier_id: identifier.ID,
      identifier: address,
      identifier_type: "EMAIL",
      receiver: client,
    });
    expect(Number(token.expire_at) - Number(token.timestamp)).toBe(2_592_000);
    const key = await at.services.keyring.statementKey();
    const bytes = (text: string) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const publicKey = await crypto.subtle.importKey("raw", bytes(key), "Ed25519", false, ["verify"]);
    const statement = `${token.identifier}${token.identifier_type}${token.receiver}${token.expire_at}`;
    expect(
      await crypto.subtle.verify(
        "Ed25519",
        publicKey,
        bytes(token.signature),
        new TextEncoder().encode(statement),
      ),
    ).toBe(true);
    expect(oauth_token).toMatchObject({ auth_method: "OTP", token_type: "Bearer", expires_in: 3_600 });
    const claims = JSON.parse(
      atob(oauth_token.access_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")),
    );
    expect(claims).toMatchObject({
      authentication_method: "OTP",
      identifier: address,
      identifier_verified: true,
      aud: client,
      sub: user.ID,
    });
    const record = await havingName(at, address);
    expect(record?.user.id).toBe(user.ID);
    expect(record?.identifiers[0]).toMatchObject({ assertedBy: "proof", verifiedAt: expect.any(Number) });

    const refreshed = await at.ask(`/api/v0/token/${client}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ grant_type: "refresh_token", refresh_token: oauth_token.refresh_token }),
    });
    expect(await refreshed.json()).toMatchObject({ auth_method: "OTP" });
  });

  test("who comes again is the same user, and the first device may be enrolled at once", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const first = await exchange(at, client, await verified(at, client, address));
    const second = await exchange(at, client, await verified(at, client, address.toUpperCase()));
    expect(second.body.user.ID).toBe(first.body.user.ID);
    expect(second.body.identifier.ID).toBe(first.body.identifier.ID);
    expect(
      await at.services.inboxes.takeEnrolment(
        `user:${first.body.user.ID}` as never,
        { kind: "proof", key: await at.services.handles.digest(["first-device", client, second.key ?? ""]) },
        "key",
      ),
    ).toMatchObject({ taken: true });
  });

  test("a wrong code says how many guesses are left, and the right one after it still works", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const wrong = code === "000000" ? "000001" : "000000";
    const refused = await person.post(check, { code: wrong });
    expect(refused.location).toBe(`${check}?e=wrong&n=4`);
    expect((await person.get(refused.location)).text).toContain("You can try 4 more times");
    const done = await person.post(check, { code: `${code.slice(0, 3)} ${code.slice(3)}` });
    expect(done.location).toContain("myapp://");
  });
});
