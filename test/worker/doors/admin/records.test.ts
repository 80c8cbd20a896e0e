import { describe, expect, test } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import { newUserId } from "../../../../src/core/ids.ts";
import { type Answer, admin, IP, newClient, newUser, powers } from "../../support/admin.ts";

const idsOf = (events: readonly { id: string }[]) => events.map(({ id }) => id);

describe("audit", () => {
  test("newest first, page by page, nothing twice and nothing left out", async () => {
    const userId = newUserId(crypto.randomUUID());
    const written = Array.from({ length: 120 }, (_, index) =>
      auditEvent(powers, { type: `probe.${index % 2}`, actor: "system", userId, data: { index } }),
    );
    await powers.records.audit(written);
    const seen: string[] = [];
    const sizes: number[] = [];
    let after: string | null = "";
    do {
      const page: Answer["body"] = (
        await admin("GET", `/audit?user_id=${userId}${after ? `&after=${after}` : ""}`)
      ).body;
      seen.push(...idsOf(page.events));
      sizes.push(page.events.length);
      after = page.next;
    } while (after !== null);
    expect(sizes).toEqual([50, 50, 20]);
    expect(seen).toEqual(idsOf(written).sort().reverse());
    const odd = await admin("GET", `/audit?user_id=${userId}&type=probe.1`);
    expect(odd.body.events).toHaveLength(50);
    expect(odd.body.events.every(({ type }: { type: string }) => type === "probe.1")).toBe(true);
  });

  test("a row says everything, in ISO time, with null for what is unknown", async () => {
    const user = await newUser();
    const { events } = (await admin("GET", `/audit?user_id=${user}`)).body;
    expect(events).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        type: "user.created",
        actor: "admin",
        user_id: user,
        client_id: null,
        device_id: null,
        ip: IP,
        reason: null,
        data: null,
      },
    ]);
    expect(Number.parseInt(events[0].id.slice(0, 12), 16)).toBe(Date.parse(events[0].at));
  });

  test("filters meet: one client's rows of one type", async () => {
    const [mine, theirs] = [await newClient(), await newClient()];
    await admin("PATCH", `/clients/${mine.client_id}`, { name: "New" });
    const rows = (await admin("GET", `/audit?client_id=${mine.client_id}&type=client.updated`)).body.events;
    expect(rows).toHaveLength(1);
    expect(rows[0].client_id).toBe(mine.client_id);
    expect(
      (await admin("GET", `/audit?client_id=${theirs.client_id}&type=client.updated`)).body.events,
    ).toEqual([]);
    const all = (await admin("GET", "/audit")).body.events;
    expect(idsOf(all)).toEqual([...idsOf(all)].sort().reverse());
  });

  test.each(["user_id=x", "client_id=a%20b", "type=%27;drop", "after=x", "other=1", "type=a&type=b"])(
    "the query %s is 400",
    async (query) => {
      const refused = await admin("GET", `/audit?${query}`);
      expect([refused.status, refused.body.title]).toEqual([400, "Bad Request"]);
    },
  );
});

describe("keys", () => {
  test("are listed without a private part, and a rotation shows the next one before it signs", async () => {
    await powers.keyring.ready("standard");
    const before = (await admin("GET", "/keys")).body.keys;
    expect(before.length).toBeGreaterThan(0);
    const rotated = await admin("POST", "/keys/rotate");
    expect(rotated.status).toBe(201);
    expect(rotated.body).toEqual({
      lane: "standard",
      kid: expect.any(String),
      algorithm: "ES256",
      state: "next",
      created_at: expect.any(String),
      activates_at: expect.any(String),
      published_until: null,
    });
    expect(Date.parse(rotated.body.activates_at)).toBeGreaterThan(Date.parse(rotated.body.created_at));
    const after = (await admin("GET", "/keys")).body.keys;
    expect(after.map(({ kid }: { kid: string }) => kid)).toContain(rotated.body.kid);
    expect(after).toHaveLength(before.length + 1);
    const [row] = (await admin("GET", "/audit?type=key.rotated")).body.events;
    expect(row).toMatchObject({ actor: "admin", ip: IP, data: { lane: "standard", kid: rotated.body.kid } });
  });

  test("the Cotter lane keeps its pinned kid and signs with the new key at once", async () => {
    const kid = await powers.keyring.ready("cotter");
    const rotated = await admin("POST", "/keys/rotate", { lane: "cotter" });
    expect(rotated.body).toMatchObject({ lane: "cotter", kid, state: "current" });
  });

  test("the RS256 lane is listed once it has a key, and its next one is published before it signs", async () => {
    const lanes = async () =>
      (await admin("GET", "/keys")).body.keys.map(({ lane }: { lane: string }) => lane);
    expect(await lanes()).not.toContain("rs256");
    const first = await admin("POST", "/keys/rotate", { lane: "rs256" });
    expect(first.body).toMatchObject({ lane: "rs256", algorithm: "RS256", state: "current" });
    const second = await admin("POST", "/keys/rotate", { lane: "rs256" });
    expect(second.body).toMatchObject({ lane: "rs256", algorithm: "RS256", state: "next" });
    expect((await lanes()).filter((lane: string) => lane === "rs256")).toHaveLength(2);
  });

  test("T67 no key answer holds key material", async () => {
    const text = (await admin("GET", "/keys")).text + (await admin("POST", "/keys/rotate", {})).text;
    const { keys } = JSON.parse(text.slice(0, text.indexOf("]}") + 2));
    for (const key of keys) {
      expect(Object.keys(key).sort()).toEqual(
        ["activates_at", "algorithm", "created_at", "kid", "lane", "published_until", "state"].sort(),
      );
    }
    const stored = await powers.keyring.published();
    for (const jwk of stored) expect(text).not.toContain(jwk.x ?? jwk.n);
  });

  test.each([{ lane: "statement" }, { lane: "other" }, { lane: 1 }, { all: true }, [], "standard", null])(
    "rotating %o is 400 and rotates nothing",
    async (body) => {
      const before = (await admin("GET", "/keys")).body;
      expect((await admin("POST", "/keys/rotate", body)).status).toBe(400);
      expect((await admin("GET", "/keys")).body).toEqual(before);
    },
  );
});
