import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import { MAIN, newUserId } from "../../../../src/core/ids.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { bearer, newTenant, server, type Tenant, track } from "../../support/authsignal.ts";
import { fresh } from "../../support/cotter.ts";
import { appPath, type Browser, enter, newPageClient } from "../../support/page.ts";
import { HOME, STRANGER, seconds, type World, world, wrongFor } from "../../support/stranger.ts";

// Hours of a stranger's calls, on whatever else the machine does.
vi.setConfig({ testTimeout: 120_000 });

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

/** One try of the user: whether the right code leads back to the app. */
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

  test("S7b guessing at every address of a user takes no code and no link from them", async () => {
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

  test("S7 S12 whoever rents a /48 is one stranger, and another one is elsewhere", async () => {
    const at = world();
    const client = await newPageClient(at);
    const address = email();
    const sent = async (ip: string) => (await ask(at.browserAt(ip), client, address)) !== undefined;
    const rented: boolean[] = [];
    for (let block = 0; block < 5; block++) rented.push(await sent(`2001:db8:7:${block}::9`));
    expect(rented).toEqual([true, true, true, false, false]);
    expect(await sent("2001:db8:8::9")).toBe(true);
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
    expect(refused.text).toContain(`<time datetime="${new Date(free).toISOString()}">`);
    expect(Number(refused.headers.get("Retry-After"))).toBe((first + 86_400_000 - Date.now()) / 1_000);
  });
});

describe("T162 a client's ordinary user with a token of their own", () => {
  const enrolling = async (at: World, bank: Tenant, address: string, ip: string) => {
    const { token } = (await track(at.from(ip), bank, fresh("mallory"), "enrol")).body;
    const path = "/v1/client/user-authenticators/email-otp";
    return (await at.from(ip).call("POST", path, { email: address }, bearer(token))).status;
  };

  test("T162 uses up nothing of what another's enrolled address gets at that client", async () => {
    const at = world();
    const home = at.from(HOME);
    const bank = await newTenant(home);
    const address = email();
    const user = fresh("u");
    const mail = { verificationMethod: "EMAIL_OTP", email: address };
    await server(home, bank, "POST", `/users/${user}/authenticators`, mail);
    for (let minute = 0; minute < 18; minute++) {
      for (const ip of [STRANGER, "203.0.113.1", "203.0.113.2"]) {
        await enrolling(at, bank, address, ip);
        await enrolling(at, bank, address.replace("@", "+x@"), ip);
      }
      if (minute % 3 === 2) {
        const { token } = (await track(home, bank, user, "signIn")).body;
        const begun = await home.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
        expect(begun.status, `minute ${minute}`).toBe(200);
        const body = { verificationCode: at.last().code };
        const done = await home.call("POST", "/v1/client/verify/email-otp", body, bearer(token));
        expect(done.body, `minute ${minute}`).toMatchObject({ isVerified: true });
      }
      seconds(60);
    }
  });

  test("T162 writes so many letters an hour from one network, and leaves the client's last to enrolled addresses", async () => {
    const at = world();
    const home = at.from(HOME);
    const bank = await newTenant(home, { code_sends_per_hour: 20 });
    const mail = { verificationMethod: "EMAIL_OTP", email: email() };
    const user = fresh("u");
    await server(home, bank, "POST", `/users/${user}/authenticators`, mail);
    let sent = 0;
    for (let letter = 0; letter < 40; letter++) {
      const status = await enrolling(at, bank, email(), `203.0.113.${letter % 20}`);
      if (status === 200) sent++;
      if (letter === 20) expect(await enrolling(at, bank, email(), "203.0.113.0")).toBe(429);
    }
    expect(sent).toBe(16);
    const { token } = (await track(home, bank, user, "signIn")).body;
    const begun = await home.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
    expect(begun.status).toBe(200);
  });

  test("T162 starts so many pushes and codes about themselves, and the client's backend goes on", async () => {
    const at = world();
    const [home, stranger] = [at.from(HOME), at.from(STRANGER)];
    const bank = await newTenant(home, { starts_per_minute: 30 });
    const { token } = (await track(home, bank, fresh("mallory"), "signIn")).body;
    const statuses: number[] = [];
    for (let start = 0; start < 40; start++) {
      const path = "/v1/client/challenge/qr-code";
      statuses.push((await stranger.call("POST", path, {}, bearer(token))).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    const challenge = { verificationMethod: "EMAIL_OTP", action: "pay", email: email() };
    expect((await server(home, bank, "POST", "/challenge", challenge)).status).toBe(200);
  });
});
