import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ClientId, userSubject } from "../../../src/core/ids.ts";
import { fresh, newPhone } from "../support/cotter.ts";
import {
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  type PageDeployment,
  pageDeployment,
  verified,
} from "../support/page.ts";
import { havingName, mainUser, withId } from "../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("ana")}@example.com`;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);

type Claimer = {
  readonly id: string;
  readonly cookie: string;
  readonly tokens: {
    readonly access_token: string;
    readonly id_token: string;
    readonly refresh_token: string;
  };
};

/** Somebody signs up under this address with a device, and keeps what the answers hand over. */
async function claims(
  at: PageDeployment,
  client: ClientId,
  address: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Claimer> {
  const headers = { "Content-Type": "application/json", API_KEY_ID: client };
  const body = JSON.stringify({ identifier: address });
  const made = await at.ask("/api/v0/user/create", {
    method: "POST",
    headers: { ...headers, ...more },
    body,
  });
  const { ID: id } = (await made.json()) as { ID: string };
  const set = made.headers.getSetCookie().find((one) => one.startsWith("claimed="));
  const { publicKey: code } = await newPhone();
  const device = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
  const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
  const enrolled = await at.ask(path, { method: "PUT", headers, body: JSON.stringify(device) });
  const { oauth_token } = (await enrolled.json()) as { oauth_token: Claimer["tokens"] };
  return { id, cookie: set?.split(";")[0] ?? "", tokens: oauth_token };
}

const refreshed = async (at: PageDeployment, client: ClientId, { tokens }: Claimer) =>
  (
    await at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ refresh_token: tokens.refresh_token }),
    })
  ).status;

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

async function scene() {
  const at = pageDeployment();
  const client = await newPageClient(at);
  const address = email();
  const claimer = await claims(at, client, address);
  const prove = async (headers: Readonly<Record<string, string>>, over = {}) =>
    exchange(at, client, await verified(at, client, address, over), {}, headers);
  return { at, client, address, claimer, prove };
}

/** The app's own sign-out: the grant ends, and its access token lives on. */
const signOut = (at: PageDeployment, client: ClientId, refresh_token: string) =>
  at.ask(`/api/v0/token/${client}`, {
    method: "DELETE",
    headers: { "Content-Type": "application/json", API_KEY_ID: client },
    body: JSON.stringify({ refresh_token }),
  });

describe("T213 C6 the one who claimed the address is that user when they prove it", () => {
  test.each([
    ["by the sign-up's cookie", "cookie", false],
    ["by the sign-up's cookie, named by the app", "cookie", true],
    ["by a session", "session", false],
    ["by a session, named by the app", "session", true],
    ["named by the app in the sign-up's window, by a call that looks the same", "looks", true],
  ])("T213 C6 %s: id, device and session stay", async (_name, how, named) => {
    const { at, client, address, claimer, prove } = await scene();
    const session = bearer(claimer.tokens.access_token);
    const shown = how === "cookie" ? { Cookie: claimer.cookie } : how === "session" ? session : {};
    const answered = await prove(shown, named ? { cotter_user_id: claimer.id } : {});
    expect(answered.status).toBe(200);
    expect(answered.body.user).toMatchObject({
      ID: claimer.id,
      enrolled: ["TRUSTED_DEVICE"],
      identifier: address,
    });
    const part = answered.body.oauth_token.access_token
      .split(".")[1]
      .replaceAll("-", "+")
      .replaceAll("_", "/");
    expect(JSON.parse(atob(part))).toMatchObject({ sub: claimer.id, identifier_verified: true });
    expect(await refreshed(at, client, claimer)).toBe(200);
    expect((await withId(at, claimer.id))?.identifiers).toEqual([
      expect.objectContaining({ assertedBy: "proof", verifiedAt: expect.any(Number) }),
    ]);
    // No window opens beside the device, and the next proof is the same user's.
    expect(answered.key).toBeUndefined();
    expect((await prove({ "User-Agent": "another" })).body.user.ID).toBe(claimer.id);
  });

  test("T213 C6 while it is open whose the address is, no browser is remembered for anybody", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { remember_minutes: 60 });
    const address = email();
    await claims(at, client, address);
    const done = await typed(at, client, address);
    expect(done.headers.getSetCookie().filter((one) => one.includes("remembered"))).toEqual([]);
    const plain = await typed(at, client, email());
    expect(plain.headers.getSetCookie().filter((one) => one.includes("remembered"))).toHaveLength(1);
  });

  test("T213 C6 another claimer of the address goes", async () => {
    const { at, client, address, claimer, prove } = await scene();
    const other = await newPageClient(at);
    const squatter = await claims(at, other, address);
    expect((await prove({ Cookie: claimer.cookie })).body.user.ID).toBe(claimer.id);
    expect(await withId(at, squatter.id)).toBeUndefined();
    expect(await refreshed(at, other, squatter)).toBe(400);
    expect(await refreshed(at, client, claimer)).toBe(200);
  });

  test("T213 C6 two exchanges at once make one user of it, and end the session of the code", async () => {
    const { at, client, address, claimer } = await scene();
    const given = await verified(at, client, address);
    const headers = { Cookie: claimer.cookie };
    const answers = await Promise.all([0, 1, 2].map(() => exchange(at, client, given, {}, headers)));
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1);
    expect((await havingName(at, address))?.user.id).toBe(claimer.id);
    expect(await refreshed(at, client, claimer)).toBe(200);
  });
});

describe("T214 C6 a stranger's earlier claim stays closed", () => {
  /** A stranger has claimed the owner's address, and has a device and a session there. */
  const hijack = async () => {
    const { claimer: stranger, ...rest } = await scene();
    return { ...rest, stranger };
  };

  async function isAnother(
    { at, client, stranger, address }: Awaited<ReturnType<typeof hijack>>,
    id: string,
  ) {
    expect(id).not.toBe(stranger.id);
    expect(await withId(at, stranger.id)).toBeUndefined();
    expect(await refreshed(at, client, stranger)).toBe(400);
    expect((await havingName(at, address))?.user.id).toBe(id);
  }

  test("T214 C6 whoever shows nothing is a new user", async () => {
    const here = await hijack();
    const { body } = await here.prove({});
    expect(body.user.enrolled).toEqual([]);
    await isAnother(here, body.user.ID);
  });

  test("T214 C6 what the owner's own sign-up of another address handed over names nobody here", async () => {
    const here = await hijack();
    const own = await claims(here.at, here.client, email());
    for (const shown of [{ Cookie: own.cookie }, bearer(own.tokens.access_token)]) {
      const { body } = await here.prove(shown);
      expect(body.user.ID).not.toBe(own.id);
      await isAnother(here, body.user.ID);
    }
  });

  test.each([
    "forged",
    "late",
    "of another client",
    "from a foreign page",
    "an ID token",
    "ended",
    "signed out",
    "of a session that was ended",
  ])("T214 C6 %s: what would show the claimer shows nothing", async (what) => {
    const here = await hijack();
    const { at, stranger, client } = here;
    const { cookie, tokens } = stranger;
    if (what === "late") later(600_000);
    if (what === "ended") {
      later(2_000);
      await at.services.users.end(mainUser(stranger.id).id, Date.now());
      later(1_000);
    }
    if (what === "of a session that was ended") await signOut(at, client, tokens.refresh_token);
    const forged = cookie.replace(/.$/, (sign) => (sign === "A" ? "B" : "A"));
    const own = JSON.parse(
      atob((tokens.access_token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")),
    );
    const elsewhere = { ...own, aud: await newPageClient(at) };
    const shown: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      forged: { Cookie: forged },
      late: { Cookie: cookie },
      "of another client": bearer(await at.services.keyring.sign("cotter", { typ: "JWT" }, elsewhere)),
      "from a foreign page": { Cookie: cookie, Origin: "https://elsewhere.example" },
      "an ID token": bearer(tokens.id_token),
      ended: bearer(tokens.access_token),
      "signed out": bearer("x.y.z"),
      "of a session that was ended": bearer(tokens.access_token),
    };
    const { status, body } = await here.prove(shown[what] ?? {});
    expect([what, status]).toEqual([what, 200]);
    expect(body.user.ID).not.toBe(stranger.id);
    expect((await havingName(at, here.address))?.user.id).toBe(body.user.ID);
    expect(await refreshed(at, client, stranger)).toBe(400);
  });

  test.each(["from elsewhere", "with another program", "after the window", "signed out since"])(
    "T214 C6 a claim's id is no credential: who proves the address in its name %s is refused, and nothing changes",
    async (how) => {
      const { at, client, claimer, prove, address } = await scene();
      const named = { cotter_user_id: claimer.id };
      if (how === "after the window") later(600_000);
      if (how === "signed out since") await at.services.inboxes.endAll(userSubject(claimer.id as never));
      const looks: Readonly<Record<string, Readonly<Record<string, string>>>> = {
        "from elsewhere": { "CF-Connecting-IP": "198.51.100.20" },
        "with another program": { "User-Agent": "another" },
      };
      const answered = await prove(looks[how] ?? {}, named);
      expect(answered).toMatchObject({
        status: 403,
        body: { msg: expect.stringContaining("not confirmed") },
      });
      expect(await refreshed(at, client, claimer)).toBe(200);
      const rows = (await withId(at, claimer.id))?.identifiers ?? [];
      expect(rows).toEqual([expect.objectContaining({ assertedBy: "anonymous", value: address })]);
    },
  );

  test("T214 C6 an app that names another user than the claimer is refused on the page", async () => {
    const { at, client, address } = await scene();
    const person = browser(at);
    const named = { cotter_user_id: crypto.randomUUID() };
    const check = await enter(person, client, address, named);
    expect((await person.post(check, { code: at.last().code ?? "" })).location).toBe(`${check}?e=theirs`);
  });

  test("T214 C6 a claimer who was locked meanwhile gets nothing, also when they are active again", async () => {
    const { at, client, address, claimer } = await scene();
    const given = handed((await typed(at, client, address)).location);
    later(1_000);
    await at.services.users.update(mainUser(claimer.id), { status: "locked" }, Date.now());
    const headers = { Cookie: claimer.cookie };
    expect((await exchange(at, client, given, {}, headers)).status).toBe(403);
    later(1_000);
    await at.services.users.update(mainUser(claimer.id), { status: "active" }, Date.now());
    expect((await exchange(at, client, given, {}, headers)).status).toBe(403);
    const rows = (await withId(at, claimer.id))?.identifiers ?? [];
    expect(rows).toEqual([expect.objectContaining({ assertedBy: "anonymous" })]);
  });

  test("T214 C6 a page that the client does not list is handed nothing that shows the claimer", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const foreign = await claims(at, client, email(), { Origin: "https://elsewhere.example" });
    expect(foreign.cookie).toBe("");
    const own = await claims(at, client, email(), { Origin: "https://shop.example" });
    expect(own.cookie).toMatch(/^claimed=/);
  });
});

async function typed(at: PageDeployment, client: ClientId, address: string) {
  const person = browser(at);
  const check = await enter(person, client, address);
  return await person.post(check, { code: at.last().code ?? "" });
}
