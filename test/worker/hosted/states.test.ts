import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fresh } from "../support/cotter.ts";
import {
  appPath,
  browser,
  enter,
  newPageClient,
  type PageDeployment,
  pageDeployment,
  readable,
} from "../support/page.ts";
import { havingName } from "../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(Date.now() / 1_000) * 1_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("ana")}@example.com`;
const seconds = (count: number) => vi.setSystemTime(Date.now() + count * 1_000);
const wrongFor = (code: string | undefined) => (code === "000000" ? "111111" : "000000");

/** A user who has opened the page and was sent a code; `page` is its whole address. */
async function asked(at: PageDeployment, settings = {}, over: Record<string, string> = {}) {
  const client = await newPageClient(at, settings);
  const person = browser(at);
  const path = await appPath(client, over);
  await person.get(path);
  const address = email();
  const sent = await person.post(path, { identifier: address });
  return { client, person, address, page: sent.location, check: sent.location.split("?")[0] ?? "" };
}

describe("another code", () => {
  test("C17 the page says that it was sent and when the next may be asked for; both codes work; the button waits 20 s", async () => {
    const at = pageDeployment();
    const { person, page, check } = await asked(at);
    const first = at.last().code ?? "";
    const shown = await person.get(page);
    expect(shown.text).toContain('data-wait="20000"');
    expect(readable(shown.text)).not.toContain("We sent you a new code");
    seconds(15);
    expect((await person.get(page)).text).toMatch(/data-wait="5000"/);
    seconds(6);
    expect((await person.get(page)).text).toContain('data-wait="0"');
    const again = await person.post(`${check}/again`, {});
    const told = readable((await person.get(again.location)).text);
    expect(told).toContain("We sent you a new code. The one before it works too.");
    expect(told).toContain("You can ask for another one in 20 seconds.");
    const action = /action="([^"]*\?a=[0-9a-z]+)"/.exec((await person.get(again.location)).text)?.[1] ?? "";
    const wrong = await person.post(action, { code: wrongFor(first) });
    expect(wrong.location).toMatch(/\?e=wrong&n=4&a=[0-9a-z]+$/);
    const later = readable((await person.get(wrong.location)).text);
    expect(later).toContain("You can try 4 more times");
    expect(later).not.toContain("We sent you a new code");
    expect((await person.post(action, { code: first })).location).toContain("myapp://");
  });

  test("C17 a time that nobody wrote is no time", async () => {
    const at = pageDeployment();
    const { person, check } = await asked(at);
    for (const query of ["s=zzzzzzzz", "s=<b>", "s=-1", "a=", "s=1e9&s=2", "s=999999999999"]) {
      const shown = await person.get(`${check}?${query}`);
      expect(shown.status, query).toBe(200);
      expect(Number(/data-wait="(\d+)"/.exec(shown.text)?.[1]), query).toBeLessThanOrEqual(20_000);
    }
  });
});

describe("what is over looks so", () => {
  test("O6 a code that has ended: no field and no countdown, and another one is the way on", async () => {
    const at = pageDeployment();
    const { person, page, check } = await asked(at, { verify_seconds: 3_600 });
    const live = await person.get(page);
    expect(live.text).toContain('id="code"');
    expect(Number(/data-left="(\d+)"/.exec(live.text)?.[1])).toBeLessThanOrEqual(600_000);
    // A browser without script asks again by itself then.
    expect(live.text).toMatch(/<noscript><meta http-equiv="refresh" content="60[01]"/);
    seconds(601);
    const over = await person.get(page);
    expect(over.text).not.toContain('id="code"');
    expect(over.text).not.toContain('data-left="');
    expect(readable(over.text)).toContain("That code is not good any more. Have another one sent.");
    const again = await person.post(`${check}/again`, {});
    expect((await person.get(again.location)).text).toContain('id="code"');
    expect((await person.post(check, { code: at.last().code ?? "" })).location).toContain("myapp://");
  });

  test("O6 a link that has ended waits for nothing", async () => {
    const at = pageDeployment();
    const link = { auth_method: "MAGIC_LINK" };
    const { person, page } = await asked(at, { verify_seconds: 3_600 }, link);
    seconds(601);
    const over = await person.get(page);
    expect(over.text).not.toContain('data-left="');
    expect(readable(over.text)).toContain("That link is not good any more. Have another one sent.");
  });

  test("O6 a verification that has ended: the page that waited for its code says so, with a way on", async () => {
    const at = pageDeployment();
    const { person, page } = await asked(at);
    seconds(600);
    const over = await person.get(page);
    expect([over.status, over.text.includes('id="code"'), over.text.includes('data-left="')]).toEqual([
      410,
      false,
      false,
    ]);
    expect(over.text).toMatch(/<a class="button primary" href="\/app\?[^"]*">Start again/);
  });

  test("T224 O6 an account that is locked: the page says so to whoever proved the address, without a field", async () => {
    const at = pageDeployment();
    const { client, person, address, check } = await asked(at);
    expect((await person.post(check, { code: at.last().code ?? "" })).location).toContain("myapp://");
    const record = await havingName(at, address);
    if (!record) throw new Error("nobody");
    await at.services.users.update(record.user, { status: "locked" }, Date.now());
    const again = browser(at);
    const theirs = await enter(again, client, address);
    const code = at.last().code ?? "";
    const wrong = await again.post(theirs, { code: wrongFor(code) });
    expect(readable((await again.get(wrong.location)).text)).not.toContain("locked");
    const told = await again.post(theirs, { code });
    expect(told.location).toBe(`${theirs}?e=locked`);
    const shown = await again.get(told.location);
    expect([shown.status, shown.text.includes('id="code"'), shown.text.includes('data-left="')]).toEqual([
      403,
      false,
      false,
    ]);
    expect(readable(shown.text)).toContain("This account is locked");
    expect(shown.text).toContain("myapp://auth_callback?error=access_denied");
  });
});

describe("a page that says no", () => {
  const ZONE = { cf: { timezone: "Asia/Tokyo" } };

  test("O10 is the app's: its name, its colour, and a way on where one is known to be good", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { brand: { name: "Corner Shop", colour: "#a02040" } });
    const bad = await at.ask(await appPath(client, { code_challenge: "short" }));
    const text = await bad.text();
    expect([bad.status, text.includes("Corner Shop"), text.includes("Countersign")]).toEqual([
      400,
      true,
      false,
    ]);
    expect(text).toContain("--accent:");
    expect(text).toContain("myapp://auth_callback?error=invalid_request&amp;state=abcXYZ456");
    const redirect = await (
      await at.ask(await appPath(client, { redirect_url: "https://evil.example" }))
    ).text();
    expect([redirect.includes("Corner Shop"), redirect.includes("evil.example")]).toEqual([true, false]);
    const check = await enter(browser(at), client, email());
    const elsewhere = await at.ask(check);
    const foreign = await elsewhere.text();
    expect([elsewhere.status, foreign.includes("Corner Shop")]).toEqual([403, true]);
    // Whoever comes by with an address of somebody else learns neither theirs nor what their app said.
    for (const part of ["abcXYZ456", "code_challenge", "@example.com"]) expect(foreign).not.toContain(part);
  });

  test("O10 names nobody whom the reader never met", async () => {
    const at = pageDeployment();
    for (const path of [
      "/app?api_key=nobody",
      "/app/nothing/here",
      "/app/check/1",
      `/app/link/1?t=${"A".repeat(43)}`,
    ]) {
      const answer = await at.ask(path, { headers: { Accept: "text/html" } });
      const text = await answer.text();
      expect(answer.status, path).toBeGreaterThanOrEqual(400);
      expect(text, path).not.toContain("Countersign");
    }
  });

  test("O10 a fault keeps the app's name and can be tried again", async () => {
    let broken = false;
    const at = pageDeployment({}, ({ handles }) => ({
      handles: {
        ...handles,
        pepper: async (...parts: Parameters<typeof handles.pepper>) => {
          if (broken) throw new Error("away");
          return await handles.pepper(...parts);
        },
      },
    }));
    const client = await newPageClient(at);
    const path = await appPath(client);
    broken = true;
    const answer = await at.ask(path);
    const text = await answer.text();
    expect([answer.status, text.includes("Shop")]).toEqual([500, true]);
    expect(text).toContain(`href="${path.replaceAll("&", "&amp;")}">Try again`);
  });

  test("O10 times are the reader's: by the zone of the edge, and by their own clock with script", async () => {
    const at = pageDeployment();
    const link = { auth_method: "MAGIC_LINK" };
    await asked(at, {}, link);
    const { pathname, search } = new URL(at.last().link ?? "");
    const text = await (await at.ask(pathname + search, ZONE as RequestInit)).text();
    const startedAt = /<time datetime="([^"]+)">([^<]+)<\/time>/.exec(text);
    const local = new Intl.DateTimeFormat("en", {
      timeZone: "Asia/Tokyo",
      hour: "2-digit",
      minute: "2-digit",
    });
    expect(startedAt?.[2]).toContain(local.format(new Date(startedAt?.[1] ?? "")));
    expect(startedAt?.[2]).toContain("GMT+9");
    expect(text).toContain("toLocaleString");
    const nowhere = await (
      await at.ask(pathname + search, { cf: { timezone: "No/Where" } } as RequestInit)
    ).text();
    expect(nowhere).toMatch(/<time datetime="[^"]+">[^<]+UTC<\/time>/);
  });
});

describe("O5 where no carrier is configured", () => {
  const none = { code: "delivery_failed", detail: "not sent here", uncarried: true } as const;
  const deployment = (refuses: () => boolean) =>
    pageDeployment({}, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        send: async (message) => (refuses() ? { ok: false, error: none } : deliveries.send(message)),
      },
    }));

  test("O5 the page says that codes cannot be sent, and not to try again; the app is told", async () => {
    const at = deployment(() => true);
    const client = await newPageClient(at);
    const person = browser(at);
    const path = await appPath(client);
    await person.get(path);
    const refused = await person.post(path, { identifier: email() });
    expect([refused.status, readable(refused.text)]).toEqual([
      503,
      expect.stringContaining("no way to send codes or links now"),
    ]);
    expect(refused.text).not.toMatch(/<(form|input)/);
    expect(readable(refused.text)).not.toContain("Try again");
    expect(refused.text).toContain("myapp://auth_callback?error=temporarily_unavailable&amp;state=abcXYZ456");
  });

  test("O5 also when the carrier was taken away after the first code", async () => {
    let refuses = false;
    const at = deployment(() => refuses);
    const { person, check } = await asked(at);
    refuses = true;
    const again = await person.post(`${check}/again`, {});
    expect(again.location).toBe(`${check}?e=uncarried`);
    expect(readable((await person.get(again.location)).text)).toContain("no way to send codes or links now");
  });
});

describe("O9 the page and the letter name what happens", () => {
  test("T224 O9 a sign-in is called a sign-in, whatever the app calls it", async () => {
    const at = pageDeployment();
    const { person, page, address } = await asked(at);
    expect(at.last().effect).toEqual({ kind: "sign_in" });
    expect(readable((await person.get(page)).text)).toContain("They sign you in to Shop");
    const link = { auth_method: "MAGIC_LINK" };
    await asked(at, {}, link);
    expect(at.last().effect).toEqual({ kind: "sign_in" });
    const record = await (async () => {
      const client = await newPageClient(at);
      const first = browser(at);
      const check = await enter(first, client, address);
      await first.post(check, { code: at.last().code ?? "" });
      return { client, id: (await havingName(at, address))?.user.id ?? "" };
    })();
    // Tokens come of it all the same: nobody gets softer words for a sign-in by a parameter.
    await enter(browser(at), record.client, address, { cotter_user_id: record.id, ...link });
    expect(at.last().effect).toEqual({ kind: "sign_in" });
    const { pathname, search } = new URL(at.last().link ?? "");
    expect(readable(await (await at.ask(pathname + search)).text())).toContain("asked to sign in to Shop");
  });
});
