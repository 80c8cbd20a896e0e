import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ClientId } from "../../src/core/ids.ts";
import { MAIN, newUserId } from "../../src/core/ids.ts";
import { auditEvent } from "../../src/core/usecases/audit-event.ts";
import { readIdentifier } from "../../src/core/user/identifier.ts";
import { bearer, newTenant, server, type Tenant, track } from "./support/authsignal.ts";
import { fresh } from "./support/cotter.ts";
import { appPath, type Browser, enter, newPageClient } from "./support/page.ts";
import { HOME, STRANGER, seconds, type World, world, wrongFor } from "./support/stranger.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("vic")}@example.com`;
const phone = () => `+4915112${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;

/** What the page answers to an address: the path of the code page, or undefined where it refuses. */
async function ask(
  person: Browser,
  client: ClientId,
  address: string,
  over: Readonly<Record<string, string>> = {},
): Promise<string | undefined> {
  const path = await appPath(client, { ...(address.startsWith("+") ? { type: "PHONE" } : {}), ...over });
  await person.get(path);
  const answer = await person.post(path, { identifier: address });
  return answer.status === 303 ? answer.location.split("?")[0] : undefined;
}

/** One try of the person: whether the right code leads back to the app. */
async function proves(at: World, person: Browser, client: ClientId, address: string): Promise<boolean> {
  const check = await ask(person, client, address);
  if (check === undefined) return false;
  const done = await person.post(check, { code: at.last().code ?? "" });
  return done.status === 303 && done.location.startsWith("myapp:");
}

/** The stranger's best: a letter, then five wrong codes. */
async function attack(at: World, client: ClientId, address: string, ip = STRANGER): Promise<void> {
  const stranger = at.browserAt(ip);
  const check = await ask(stranger, client, address);
  if (check === undefined) return;
  const wrong = wrongFor(at.last().code);
  for (let guess = 0; guess < 5; guess++) await stranger.post(check, { code: wrong });
}

describe("S7 a stranger's letters and guesses", () => {
  test("S7a guessing at the hosted page keeps nobody from proving their address", async () => {
    const at = world();
    const client = await newPageClient(at);
    const address = email();
    const person = at.browserAt(HOME);
    const tries: boolean[] = [];
    for (let minute = 0; minute <= 64; minute++) {
      await attack(at, client, address);
      if (minute % 4 === 0) tries.push(await proves(at, person, client, address));
      seconds(60);
    }
    expect(tries).toEqual(tries.map(() => true));
    expect(tries).toHaveLength(17);
  });

  test("S7b guessing at every address of a person takes no code and no link from them", async () => {
    const at = world();
    const client = await newPageClient(at);
    const [mail, number, later] = [email(), phone(), email()];
    const id = newUserId(crypto.randomUUID());
    const identifiers = [mail, number, later].map((text) => {
      const read = readIdentifier(text);
      if (!read) throw new Error(text);
      return { ...read, assertedBy: "admin" as const, verifiedAt: Date.now() };
    });
    const event = auditEvent(at.services, { type: "user.created", actor: "admin", userId: id });
    await at.services.users.insert({ id, realm: MAIN, identifiers }, event, event.at);
    for (let minute = 0; minute <= 47; minute++) {
      await attack(at, client, mail);
      await attack(at, client, number);
      seconds(60);
    }
    for (const address of [mail, number, later]) {
      expect(await proves(at, at.browserAt(HOME), client, address)).toBe(true);
    }
    const reader = at.browserAt(HOME);
    await enter(at.browserAt(HOME), client, mail, { auth_method: "MAGIC_LINK" });
    const link = new URL(at.last().link ?? "");
    await reader.get(`${link.pathname}${link.search}`);
    const secret = link.searchParams.get("t") ?? "";
    expect((await reader.post(link.pathname, { secret, decision: "approve" })).status).toBe(200);
  });

  test("S7c one start a minute uses up no letter of the owner, by code or by link", async () => {
    const at = world();
    const client = await newPageClient(at);
    const address = email();
    const tries: boolean[] = [];
    for (let minute = 0; minute < 60; minute++) {
      await ask(at.browserAt(STRANGER), client, address);
      if (minute % 8 === 7) {
        const link = minute % 16 === 7;
        const person = at.browserAt(HOME);
        tries.push(
          link
            ? (await ask(person, client, address, { auth_method: "MAGIC_LINK" })) !== undefined
            : await proves(at, person, client, address),
        );
      }
      seconds(60);
    }
    expect(tries).toEqual(Array(7).fill(true));
    // A day of it, and a browser that has proven the address before.
    const known = at.browserAt(HOME);
    expect(await proves(at, known, client, address)).toBe(true);
    for (let hour = 0; hour < 12; hour++) {
      for (let time = 0; time < 12; time++) {
        await ask(at.browserAt(`203.0.113.${time}`), client, address);
        seconds(300);
      }
      expect(await proves(at, known, client, address), `hour ${hour}`).toBe(true);
    }
  });

  test("S7d guessing at a blog's page fails no action of the bank and refuses none of its codes", async () => {
    const at = world();
    const blog = await newPageClient(at);
    const home = at.from(HOME);
    const bank = await newTenant(home);
    const address = `wal.ter${fresh("")}@example.com`;
    const user = fresh("u");
    const verification = { verificationMethod: "EMAIL_OTP", email: address };
    await server(home, bank, "POST", `/users/${user}/authenticators`, verification);
    const page = async (tenant: Tenant) => {
      const token = (await track(home, tenant, user, "signIn")).body.token;
      const begun = await home.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
      return { token, begun };
    };
    const { token, begun } = await page(bank);
    expect(begun.status).toBe(200);
    const code = at.last().code ?? "";
    for (const guessed of [address, address.replace("@", "+x@"), address.replace(".", "")]) {
      await attack(at, blog, guessed);
      await attack(at, blog, guessed, "203.0.113.77");
      seconds(30);
    }
    const verified = await home.call(
      "POST",
      "/v1/client/verify/email-otp",
      { verificationCode: code },
      bearer(token),
    );
    expect(verified.body).toMatchObject({ isVerified: true });
    const again = await page(bank);
    expect(again.begun.status).toBe(200);
    const sent = await server(home, bank, "POST", "/challenge", {
      ...verification,
      action: "pay",
      userId: user,
      ipAddress: HOME,
    });
    expect(sent.status).toBe(200);
    const { challengeId } = sent.body;
    const body = { challengeId, verificationCode: at.last().code };
    expect((await server(home, bank, "POST", "/verify", body)).body).toMatchObject({ isVerified: true });
  });

  test("S7i what is refused for a time says until when, with its date", async () => {
    const at = world();
    const client = await newPageClient(at);
    const address = email();
    for (let day = 0; day < 4; day++) {
      for (let letter = 0; letter < 3; letter++) await ask(at.browserAt(STRANGER), client, address);
      seconds(400);
    }
    const first = Date.now() - 4 * 400_000;
    const path = await appPath(client);
    const stranger = at.browserAt(STRANGER);
    await stranger.get(path);
    const refused = await stranger.post(path, { identifier: address });
    expect(refused.status).toBe(429);
    const free = Math.ceil((first + 86_400_000) / 60_000) * 60_000;
    const text = new Date(free).toISOString();
    expect(refused.text).toContain(`${text.slice(0, 10)} ${text.slice(11, 16)} UTC`);
    expect(Number(refused.headers.get("Retry-After"))).toBe((first + 86_400_000 - Date.now()) / 1_000);
  });
});
