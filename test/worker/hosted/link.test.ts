import { describe, expect, test } from "vitest";
import type { ChallengeId } from "../../../src/core/ids.ts";
import { fresh } from "../support/cotter.ts";
import {
  appPath,
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  ORIGIN,
  pageDeployment,
  readable,
} from "../support/page.ts";

const email = () => `${fresh("ana")}@example.com`;
const LINK = { auth_method: "MAGIC_LINK" };

async function linked(settings = {}, change?: Parameters<typeof pageDeployment>[1]) {
  const at = pageDeployment({}, change);
  const client = await newPageClient(at, settings);
  const waiting = browser(at, {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "CF-Connecting-IP": "192.0.2.9",
  });
  const address = email();
  const check = await enter(waiting, client, address, LINK);
  const link = new URL(at.last().link ?? "");
  const reader = browser(at, { "User-Agent": "Mail app" });
  return { at, client, waiting, check, link, reader, address, id: check.split("/").at(-1) as ChallengeId };
}

describe("a link is confirmed wherever it is opened", () => {
  test("the waiting page goes on to the app, and the exchange says MAGIC_LINK, refreshed too", async () => {
    const { at, client, waiting, check, link, reader, address } = await linked();
    expect(link.origin).toBe(ORIGIN);
    expect(at.last()).toMatchObject({ template: "magic_link", channel: "email", to: address });
    const wait = await waiting.get(check);
    expect(readable(wait.text)).toContain("Open the link we sent you");
    expect(wait.text).toMatch(/data-handle="[0-9a-f]{64}\.[A-Za-z0-9_-]{43}"/);
    expect((await waiting.get(`${check}/done`)).location).toBe(check);
    const page = await reader.get(link.pathname + link.search);
    expect(page.status).toBe(200);
    for (const fact of [
      "Shop",
      address,
      "192.0.2.9",
      "Firefox, Linux",
      "No, it was not me",
      "Yes, it was me",
      "Sign in",
    ]) {
      expect(readable(page.text)).toContain(fact);
    }
    const secret = link.searchParams.get("t") ?? "";
    const answered = await reader.post(link.pathname, { secret, decision: "approve" });
    expect(readable(answered.text)).toContain("That is confirmed");
    const done = await waiting.get(`${check}/done`);
    expect(done.status).toBe(303);
    const identity = await exchange(at, client, handed(done.location));
    expect(identity.body.oauth_token.auth_method).toBe("MAGIC_LINK");
    expect(identity.body.user.identifier).toBe(address);
    const refreshed = await at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ refresh_token: identity.body.oauth_token.refresh_token }),
    });
    expect(await refreshed.json()).toMatchObject({ auth_method: "MAGIC_LINK" });
    expect(readable((await waiting.get(check)).text)).toContain("This is done");
  });

  test("T68 HEAD and GET consume nothing, however often mail scanners come; only the page's POST does", async () => {
    const { at, link, reader, id } = await linked();
    const path = link.pathname + link.search;
    for (let count = 0; count < 5; count++) {
      expect((await at.ask(path, { method: "HEAD" })).status).toBe(200);
      expect((await at.ask(path)).status).toBe(200);
      expect((await at.ask(path, { headers: { "Sec-Fetch-Site": "cross-site" } })).status).toBe(200);
    }
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
    const secret = link.searchParams.get("t") ?? "";
    // A form of another site does not press the button either.
    const foreign = await reader.post(
      link.pathname,
      { secret, decision: "approve" },
      { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" },
    );
    expect(foreign.status).toBe(410);
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
    await reader.post(link.pathname, { secret, decision: "approve" });
    expect((await at.services.challenges.read(id))?.view.state).toBe("approved");
  });

  test("T220 C17 a link is good once, either of the last two, for its own request", async () => {
    const { at, client, waiting, check, link, reader, id } = await linked();
    const old = link.searchParams.get("t") ?? "";
    await waiting.post(`${check}/again`, {});
    await waiting.post(`${check}/again`, {});
    const secret = new URL(at.last().link ?? "").searchParams.get("t") ?? "";
    expect((await reader.post(link.pathname, { secret: old, decision: "approve" })).status).toBe(410);
    const other = await enter(browser(at), client, email(), LINK);
    expect(
      (await reader.post(`/app/link/${other.split("/").at(-1)}`, { secret, decision: "approve" })).status,
    ).toBe(410);
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
    expect((await reader.post(link.pathname, { secret, decision: "approve" })).status).toBe(200);
    for (const later of [
      await reader.post(link.pathname, { secret, decision: "approve" }),
      await reader.post(link.pathname, { secret, decision: "deny" }),
      await reader.get(`${link.pathname}?t=${secret}`),
    ]) {
      expect([later.status, readable(later.text)]).toEqual([
        200,
        expect.stringContaining("You have confirmed this already"),
      ]);
    }
    expect((await reader.get(`${link.pathname}?t=${old}`)).status).toBe(410);
  });

  test("T221 C19 whoever follows the link and presses what is there, without choosing, says neither yes nor no", async () => {
    const { at, link, reader, id } = await linked();
    let page = await reader.get(link.pathname + link.search);
    for (let round = 0; round < 3; round++) {
      const buttons = [...page.text.matchAll(/<button[^>]*>/g)].map(([tag]) => ({
        name: /name="([^"]*)"/.exec(tag)?.[1],
        value: /value="([^"]*)"/.exec(tag)?.[1],
      }));
      expect(buttons).toHaveLength(1);
      const fields = [...page.text.matchAll(/<input[^>]*>/g)].flatMap(([tag]) => {
        const isSet = !/type="(radio|checkbox)"/.test(tag) || / checked/.test(tag);
        const name = /name="([^"]*)"/.exec(tag)?.[1];
        return isSet && name ? [[name, /value="([^"]*)"/.exec(tag)?.[1] ?? ""]] : [];
      });
      for (const { name, value } of buttons) {
        const pressed = { ...Object.fromEntries(fields), ...(name ? { [name]: value ?? "" } : {}) };
        page = await reader.post(link.pathname, pressed);
        expect([page.status, readable(page.text)]).toEqual([
          422,
          expect.stringContaining("Choose one of the two"),
        ]);
      }
    }
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
    expect(page.text).not.toMatch(/<input[^>]*(checked|autofocus)/);
    expect(page.text).not.toMatch(/<button[^>]*autofocus/);
  });

  test("whoever reads the address says no: nobody is signed in, and it is on record", async () => {
    const { at, waiting, check, link, reader, id } = await linked();
    const secret = link.searchParams.get("t") ?? "";
    const answered = await reader.post(link.pathname, { secret, decision: "deny" });
    expect(readable(answered.text)).toContain("Nothing was confirmed");
    const later = await reader.get(`${link.pathname}?t=${secret}`);
    expect(readable(later.text)).toContain("You have stopped this already");
    expect((await at.services.challenges.read(id))?.view.state).toBe("cancelled");
    const stopped = await waiting.get(check);
    expect(stopped.status).toBe(410);
    expect(readable(stopped.text)).toContain("This was stopped");
    expect(stopped.text).toContain("myapp://auth_callback?error=access_denied&amp;state=abcXYZ456");
    const events = await at.services.records.events({ type: "verify_identifier.cancelled", size: 10 });
    expect(events.some((event) => event.data?.challenge_id === id)).toBe(true);
  });

  test("no without the secret stops nothing; a bare POST is no yes", async () => {
    const misses: unknown[] = [];
    const { at, link, reader, id } = await linked({}, ({ limits }) => ({
      limits: { ...limits, miss: async (ip) => misses.push(ip) > 0 },
    }));
    const secret = link.searchParams.get("t") ?? "";
    const wrong = `${secret.slice(0, 42)}${secret.endsWith("A") ? "Q" : "A"}`;
    for (const decision of ["deny", "approve"]) {
      expect((await reader.post(link.pathname, { secret: wrong, decision })).status).toBe(410);
      expect((await reader.post(link.pathname, { secret: "", decision })).status).toBe(410);
    }
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
    expect(misses).toHaveLength(2);
  });

  test("the browser that opened the link gets no way into the app: only the one that asked does", async () => {
    const { client, link, check, reader } = await linked();
    // It has a secret of its own.
    await reader.get(await appPath(client));
    const secret = link.searchParams.get("t") ?? "";
    const answered = await reader.post(link.pathname, { secret, decision: "approve" });
    expect(answered.text).not.toContain("myapp://");
    expect((await reader.get(check)).status).toBe(403);
    expect((await reader.get(`${check}/done`)).status).toBe(403);
  });

  test("a code is not taken where a link was sent", async () => {
    const { at, waiting, check, link, id } = await linked();
    const secret = link.searchParams.get("t") ?? "";
    expect((await waiting.post(check, { code: secret })).status).toBe(400);
    expect((await at.services.challenges.read(id))?.view.state).toBe("pending");
  });
});
