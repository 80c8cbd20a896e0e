import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ChallengeId, type ClientId, MAIN, parseRealm } from "../../../src/core/ids.ts";
import { DAY } from "../../../src/core/time.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import { KNOWN_ADDRESSES, KNOWN_DAYS } from "../../../src/hosted/known-browser.ts";
import { fresh } from "../support/cotter.ts";
import {
  appPath,
  type Browser,
  browser,
  enter,
  newPageClient,
  type PageDeployment,
  pageDeployment,
} from "../support/page.ts";
import { mainUser } from "../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("ana")}@example.com`;
const NAME = "countersign_known";

async function proves(at: PageDeployment, person: Browser, client: ClientId, address: string) {
  const check = await enter(person, client, address);
  return await person.post(check, { code: at.last().code ?? "" });
}

/** What the start of this browser for this address counts as. */
async function broughtBy(at: PageDeployment, person: Browser, client: ClientId, address: string) {
  const check = await enter(person, client, address);
  return (await at.services.challenges.read(check.split("/").at(-1) as ChallengeId))?.spec.brought;
}

/** A new browser that brings this cookie of another. */
function bringing(at: PageDeployment, value: string): Browser {
  const person = browser(at);
  person.keep(NAME, value);
  return person;
}
const known = (person: Browser) => new RegExp(`${NAME}=([^;]*)`).exec(person.cookie())?.[1] ?? "";

describe("T159 a browser that has proven an address", () => {
  test("T159 is known for that address, at every client, and for no other", async () => {
    const at = pageDeployment();
    const [client, other] = [await newPageClient(at), await newPageClient(at)];
    const [address, another] = [email(), email()];
    const person = browser(at);
    expect(await broughtBy(at, person, client, address)).toBe("nothing");
    await proves(at, person, client, address);
    expect(await broughtBy(at, person, client, address)).toBe("browser");
    expect(await broughtBy(at, person, other, address)).toBe("browser");
    for (const theirs of [another, address.replace("@", "+x@"), address.replace("@", ".x@")]) {
      expect(await broughtBy(at, person, client, theirs), theirs).toBe("nothing");
    }
    expect(await broughtBy(at, browser(at), client, address)).toBe("nothing");
  });

  test("T159 brings a cookie that no script reads, that no other host gets, and that tells no address", async () => {
    const at = pageDeployment({ ISSUER: "https://sign.example" });
    const client = await newPageClient(at);
    const address = email();
    const person = browser(at);
    const done = await proves(at, person, client, address);
    const set = done.headers.getSetCookie().find((one) => one.includes(NAME)) ?? "";
    expect(set).toMatch(/^__Host-countersign_known=[a-z0-9]{1,7}-[A-Za-z0-9_-]{43};/);
    for (const part of ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", `Max-Age=${KNOWN_DAYS * 86_400}`]) {
      expect(set.split("; ")).toContain(part);
    }
    expect(set).not.toMatch(/Domain/i);
    expect(decodeURIComponent(set)).not.toContain(address.split("@")[0]);
    expect(await broughtBy(at, person, client, address)).toBe("browser");
  });

  test("T159 is a stranger with a forged, spoilt, borrowed or old entry", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const [address, theirs] = [email(), email()];
    const person = browser(at);
    await proves(at, person, client, address);
    const entry = known(person);
    const [day = "", mac = ""] = entry.split("-", 2);
    const later = (Number.parseInt(day, 36) - 1).toString(36);
    const spoilt = [
      "",
      ".",
      "x",
      mac,
      `${day}-`,
      `${later}${entry.slice(day.length)}`,
      `${entry.slice(0, -1)}${entry.endsWith("A") ? "E" : "A"}`,
      `${day}-${"A".repeat(43)}`,
      `${day}-${"A".repeat(43)}.`.repeat(KNOWN_ADDRESSES) + entry,
    ];
    for (const value of spoilt) {
      vi.setSystemTime(Date.now() + 300_000);
      expect(await broughtBy(at, bringing(at, value), client, address), value).toBe("nothing");
    }
    expect(await broughtBy(at, bringing(at, entry), client, theirs)).toBe("nothing");
    expect(await broughtBy(at, bringing(at, entry), client, address)).toBe("browser");
    vi.setSystemTime(Date.now() + (KNOWN_DAYS - 1) * DAY);
    expect(await broughtBy(at, bringing(at, entry), client, address)).toBe("browser");
    vi.setSystemTime(Date.now() + DAY);
    expect(await broughtBy(at, bringing(at, entry), client, address)).toBe("nothing");
  });

  test("T159 is known by its last eight addresses, each once", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const addresses = Array.from({ length: KNOWN_ADDRESSES + 1 }, email);
    const person = browser(at);
    for (const address of addresses) await proves(at, person, client, address);
    expect(known(person).split(".")).toHaveLength(KNOWN_ADDRESSES);
    await proves(at, person, client, addresses[1] ?? "");
    expect(known(person).split(".")).toHaveLength(KNOWN_ADDRESSES);
    const brought = [];
    for (const address of addresses) brought.push(await broughtBy(at, person, client, address));
    expect(brought).toEqual(["nothing", ...Array(KNOWN_ADDRESSES).fill("browser")]);
  });

  test("T159 is known by a link that was confirmed elsewhere, and by nothing that was not", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const [person, reader] = [browser(at), browser(at)];
    const check = await enter(person, client, address, { auth_method: "MAGIC_LINK" });
    const link = new URL(at.last().link ?? "");
    const secret = link.searchParams.get("t") ?? "";
    expect(known(person)).toBe("");
    await reader.post(link.pathname, { secret, decision: "approve" });
    await person.get(`${check}/done`);
    expect(await broughtBy(at, person, client, address)).toBe("browser");
    expect(known(reader)).toBe("");
  });

  test("T204 is a stranger once its address is another user's, and its owner is not", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const [before, owner] = [browser(at), browser(at)];
    await proves(at, before, client, address);
    expect(await broughtBy(at, before, client, address)).toBe("browser");
    const read = readIdentifier(address);
    const [row] = (read && (await at.services.users.holdersOf(MAIN, read))) ?? [];
    if (!row) throw new Error("nobody has it");
    vi.setSystemTime(Date.now() + 300_000);
    const nothing = { identifiers: { of: "operator", given: [] } } as const;
    await at.services.users.update(mainUser(row.userId), nothing, Date.now());
    // Nobody's: whoever proves it next is somebody else.
    expect(await broughtBy(at, before, client, address)).toBe("nothing");
    vi.setSystemTime(Date.now() + 300_000);
    await proves(at, owner, client, address);
    const [next] = (read && (await at.services.users.holdersOf(MAIN, read))) ?? [];
    expect(next?.userId).not.toBe(row.userId);
    expect(await broughtBy(at, owner, client, address)).toBe("browser");
    for (let letter = 0; letter < 10; letter++) {
      vi.setSystemTime(Date.now() + 60_000);
      const path = await appPath(client);
      await before.get(path);
      await before.post(path, { identifier: address });
    }
    expect(await broughtBy(at, before, client, email())).toBe("nothing");
    for (let letter = 0; letter < 5; letter++) {
      expect(await broughtBy(at, owner, client, address)).toBe("browser");
    }
    // In another realm the same address may be anybody's.
    const foreign = await newPageClient(at, {}, undefined, parseRealm("elsewhere"));
    expect(await broughtBy(at, owner, foreign, address)).toBe("nothing");
  });

  test("T159 signs nobody in: another browser's verification stays shut to it", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const person = browser(at);
    await proves(at, person, client, address);
    const check = await enter(browser(at), client, address);
    const peek = await bringing(at, known(person)).get(check);
    expect(peek.status).toBe(403);
  });
});
