import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientId, SubjectKey } from "../../../src/core/ids.ts";
import { ask, envWith, servicesOf } from "../support/app.ts";
import { fresh } from "../support/cotter.ts";
import { aMessage } from "../support/delivery.ts";

const { deliveries } = servicesOf();

afterEach(() => {
  vi.useRealTimers();
});

type Shown = { readonly messages: readonly Readonly<Record<string, unknown>>[] };
const outbox = async (to: string, raw?: object) => {
  const answer = await ask(`/dev/outbox?to=${to}`, {}, raw);
  return { status: answer.status, headers: answer.headers, ...((await answer.json()) as Shown) };
};

describe("the development outbox", () => {
  test("shows an e-mail as the contract says, and no answer is kept by anybody", async () => {
    const before = Date.now();
    const message = aMessage();
    expect(await deliveries.send(message)).toEqual({ ok: true, value: "sent" });
    const { status, headers, messages } = await outbox(message.to);
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(messages).toEqual([
      {
        id: message.id,
        channel: "email",
        to: message.to,
        subject: "Your Shop code",
        text: expect.stringContaining("493027"),
        code: "493027",
        at: expect.any(Number),
      },
    ]);
    expect(messages[0]?.at).toBeGreaterThanOrEqual(before);
    expect(await deliveries.stateOf(message.subject, message.id)).toBe("sent");
  });

  test("shows a text with its link and without a subject, by whichever spelling of the number", async () => {
    const to = `+4915${String(Date.now()).slice(-9)}`;
    const link = "https://sign.example/x";
    const parts = { channel: "sms", to, template: "magic_link", link } as const;
    const { code: _, ...message } = aMessage(parts);
    expect((await deliveries.send(message)).ok).toBe(true);
    for (const asked of [
      to,
      encodeURIComponent(to),
      `%20${to.slice(1)}`,
      `${to.slice(0, 5)}-${to.slice(5)}`,
    ]) {
      const { messages } = await outbox(asked);
      expect(messages, asked).toHaveLength(1);
      expect(messages[0]).toMatchObject({ channel: "sms", to, link, text: expect.stringContaining(link) });
      expect(messages[0]).not.toHaveProperty("subject");
      expect(messages[0]).not.toHaveProperty("code");
    }
  });

  test("has the newest first, each id once, and nobody else's", async () => {
    const to = `${fresh("ana")}@example.com`;
    const parts = { to, clientId: "shop" as ClientId, subject: "identifier:x" as SubjectKey };
    vi.useFakeTimers({ toFake: ["Date"] });
    const sent = [aMessage(parts), aMessage(parts), aMessage(parts)];
    for (const message of sent) {
      await deliveries.send(message);
      await deliveries.send({ ...message, code: "000000" });
      // The order of one millisecond is nobody's.
      vi.setSystemTime(Date.now() + 1);
    }
    await deliveries.send(aMessage());
    const { messages } = await outbox(to.toUpperCase());
    expect(messages.map(({ id }) => id)).toEqual(sent.map(({ id }) => id).reverse());
    expect(messages.every(({ code }) => code === "493027")).toBe(true);
    expect((await outbox("nobody@example.com")).messages).toEqual([]);
  });

  test.each(["/dev/outbox", "/dev/outbox?to=", "/dev/outbox?to=%20"])(
    "%s names nobody: 400",
    async (path) => {
      const answer = await ask(path);
      expect(answer.status).toBe(400);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    },
  );

  test("is not there where nothing is kept in it", async () => {
    const raw = envWith({ DELIVERY: "none" });
    expect((await ask("/dev/outbox?to=ana@example.com", {}, raw)).status).toBe(404);
  });

  test("T67 rests sealed: the table holds no code, link or word of a message", async () => {
    const message = aMessage({ template: "magic_link", link: "https://sign.example/secret-of-a-link" });
    await deliveries.send(message);
    const { results } = await env.DB.prepare("select * from dev_outbox where id = ?").bind(message.id).all();
    expect(results).toHaveLength(1);
    expect(JSON.stringify(results)).not.toMatch(/493027|secret-of-a-link|Shop/);
  });

  test("forgets what is older than its newest thousand", async () => {
    const old = aMessage();
    await deliveries.send(old);
    await env.DB.prepare("update dev_outbox set at = 1 where id = ?").bind(old.id).run();
    const rows = Array.from(
      { length: 1_000 },
      (_, n) => `('filler-${n}', 'x', 'email', '1.x', ${1_000 + n})`,
    );
    await env.DB.exec(
      `insert into dev_outbox (id, recipient, channel, sealed, at) values ${rows.join(", ")}`,
    );
    await deliveries.send(aMessage());
    const { results } = await env.DB.prepare("select count(*) as rows from dev_outbox").all();
    expect(results).toEqual([{ rows: 1_000 }]);
    expect((await outbox(old.to)).messages).toEqual([]);
  });
});
