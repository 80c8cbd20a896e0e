import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Caller } from "../../../src/core/caller.ts";
import { DELIVERY_ATTEMPTS } from "../../../src/core/message/deliver.ts";
import type { Message } from "../../../src/core/ports/deliveries.ts";
import { aMessage, sending } from "../support/delivery.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const auditOf = async (at: ReturnType<typeof sending>, { clientId }: Message) =>
  await at.services.records.events({ clientId, size: 50 });
const stateOf = (at: ReturnType<typeof sending>, { subject, id }: Message) =>
  at.services.deliveries.stateOf(subject, id);

describe("a message through the queue", () => {
  test("is queued at once, carried once, and then known as sent", async () => {
    const at = sending();
    const message = aMessage();
    expect(await at.services.deliveries.send(message)).toEqual({ ok: true, value: "queued" });
    expect(at.mails).toEqual([]);
    expect(await stateOf(at, message)).toBe("waiting");
    expect(await at.bring(at.waiting())).toEqual({ taken: ["0"], again: [] });
    expect(at.mails).toMatchObject([
      { to: message.to, from: { name: "Shop", email: "no-reply@sign.example" }, subject: "Your Shop code" },
    ]);
    expect(at.mails[0]?.text).toContain("493027");
    expect(await stateOf(at, message)).toBe("sent");
  });

  test("is carried once, however often the queue repeats it and its sender hands it over", async () => {
    const at = sending();
    const message = aMessage();
    await at.services.deliveries.send(message);
    await at.services.deliveries.send(message);
    const [first, second] = at.waiting();
    if (!first || !second) throw new Error("two were expected");
    const both = await at.bring([first, second, first]);
    // Those that came while another was at it come again, and find it done.
    expect(both.taken.length + both.again.length).toBe(3);
    expect(both.taken).toHaveLength(1);
    expect(await at.bring([first, second])).toEqual({ taken: ["0", "1"], again: [] });
    expect(at.mails).toHaveLength(1);
  });

  test("T64 holds nothing readable of the code, the link or the address while it waits", async () => {
    const at = sending();
    const link = "https://sign.example/app/confirm?t=a-secret-of-a-link";
    const message = aMessage({ template: "magic_link", link });
    await at.services.deliveries.send(message);
    const body = JSON.stringify(at.waiting());
    expect(body).toContain(message.id);
    for (const secret of ["493027", "a-secret-of-a-link", message.to, btoa("493027")]) {
      expect(body).not.toContain(secret);
    }
  });

  test("comes again, later each time, with the same bytes; then is given up, on record, and shown as failed", async () => {
    const at = sending();
    at.fail("E_RATE_LIMIT_EXCEEDED");
    const message = aMessage();
    await at.services.deliveries.send(message);
    const bodies = at.waiting();
    const delays: (number | undefined)[] = [];
    for (let attempt = 1; attempt <= DELIVERY_ATTEMPTS; attempt++) {
      expect(await stateOf(at, message)).toBe("waiting");
      expect(await auditOf(at, message)).toEqual([]);
      const { taken, again } = await at.bring(bodies, attempt);
      expect(taken).toEqual([]);
      delays.push(...again);
    }
    expect(delays).toEqual([5, 15, 30, 60, 120, 120]);
    expect(await stateOf(at, message)).toBe("failed");
    const [row, ...more] = await auditOf(at, message);
    expect(more).toEqual([]);
    expect(row).toMatchObject({
      type: "delivery_failed",
      actor: "system",
      clientId: message.clientId,
      reason: "the Email binding failed (E_RATE_LIMIT_EXCEEDED)",
      data: { message_id: message.id, channel: "email", template: "one_time_code" },
    });
    expect(JSON.stringify(row)).not.toMatch(/493027|example\.com/);
    // What has failed for good is not sent by a late repeat: the user has asked for another one by now.
    at.fail(undefined);
    expect(await at.bring(bodies)).toEqual({ taken: ["0"], again: [] });
    expect(at.mails).toEqual([]);
  });

  test("goes out at a later attempt as it was written at first", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = sending();
    at.fail("E_INTERNAL_SERVER_ERROR");
    const message = aMessage();
    await at.services.deliveries.send(message);
    const bodies = at.waiting();
    await at.bring(bodies, 1);
    vi.setSystemTime(Date.now() + 4 * 60_000);
    at.fail(undefined);
    expect(await at.bring(bodies, 2)).toEqual({ taken: ["0"], again: [] });
    // A provider's idempotency key demands the same bytes, so the minutes are those of the beginning.
    expect(at.mails[0]?.text).toContain("within 10 minutes");
  });

  test("that the provider refuses is given up at once", async () => {
    const at = sending();
    at.fail("E_RECIPIENT_SUPPRESSED");
    const message = aMessage();
    await at.services.deliveries.send(message);
    expect(await at.bring(at.waiting())).toEqual({ taken: ["0"], again: [] });
    expect(await stateOf(at, message)).toBe("failed");
    expect(await auditOf(at, message)).toHaveLength(1);
  });

  test("is not sent after its code has expired", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = sending();
    const message = aMessage();
    await at.services.deliveries.send(message);
    vi.setSystemTime(message.expiresAt);
    expect(await at.bring(at.waiting())).toEqual({ taken: ["0"], again: [] });
    expect(at.mails).toEqual([]);
    expect(await stateOf(at, message)).toBe("failed");
  });

  test("is taken up by another when whoever had it is not heard of again", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = sending();
    const message = aMessage();
    await at.services.deliveries.send(message);
    const bodies = at.waiting();
    const { subject, id, expiresAt } = message;
    expect(await at.services.inboxes.claimDelivery(subject, id, expiresAt)).toBe("mine");
    expect(await at.bring(bodies)).toEqual({ taken: [], again: [5] });
    vi.setSystemTime(Date.now() + 60_000);
    expect(await at.bring(bodies, 2)).toEqual({ taken: ["0"], again: [] });
    expect(at.mails).toHaveLength(1);
  });

  test("that no key of this deployment opens comes again, and neighbours do not wait for it", async () => {
    const at = sending();
    const message = aMessage();
    const other = aMessage();
    await at.services.deliveries.send(message);
    const [foreign] = at.waiting();
    await at.services.deliveries.send(other);
    const [own] = at.waiting();
    if (foreign?.kind !== "deliver" || !own) throw new Error("two were expected");
    const broken = {
      ...foreign,
      message: { ...foreign.message, sealed: `9.${foreign.message.sealed.slice(2)}` },
    };
    expect(await at.bring([broken, own])).toEqual({ taken: ["1"], again: [5] });
    expect(at.mails.map(({ to }) => to)).toEqual([other.to]);
  });

  test("T64 one that is sealed for another id does not open: nobody's code goes to somebody else", async () => {
    const at = sending();
    await at.services.deliveries.send(aMessage());
    await at.services.deliveries.send(aMessage());
    const [one, two] = at.waiting();
    if (one?.kind !== "deliver" || two?.kind !== "deliver") throw new Error("two were expected");
    const crossed = { ...one, message: { ...one.message, sealed: two.message.sealed } };
    expect((await at.bring([crossed])).taken).toEqual([]);
    expect(at.mails).toEqual([]);
  });
});

describe("what is not sent at all", () => {
  const refusals = (detail: string) => ({ ok: false, error: { code: "delivery_failed", detail } });

  test("a channel that nobody carries", async () => {
    const at = sending();
    const asked = await at.services.deliveries.send(aMessage({ channel: "whatsapp", to: "+4915112345678" }));
    const { ok, error } = refusals("messages of this kind are not sent here");
    expect(asked).toEqual({ ok, error: { ...error, uncarried: true } });
    expect(at.queued).toEqual([]);
  });

  test("O5 anything while DELIVERY is none: refused, and said in the log once an hour", async () => {
    const said: string[] = [];
    for (const level of ["log", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((line: string) => void said.push(line));
    }
    const at = sending({ DELIVERY: "none" });
    for (let time = 0; time < 3; time++) {
      expect(await at.services.deliveries.send(aMessage())).toMatchObject({ ok: false });
    }
    expect(at.queued).toEqual([]);
    expect(said.filter((line) => line.includes("nothing carries messages"))).toHaveLength(1);
  });

  test.each(["a@b.example,c@d.example", "a@b.example\r\nBcc: c@d.example", "Ana <a@b.example>"])(
    "to %j, which is not one address",
    async (to) => {
      const at = sending();
      expect(await at.services.deliveries.send(aMessage({ to }))).toEqual(
        refusals("the address cannot be written to"),
      );
      expect(at.queued).toEqual([]);
    },
  );

  test("when the queue cannot be used: a refusal that the user can act on, and a line in the log", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const at = sending({
      EVENTS: {
        send: async () => {
          throw new Error("down");
        },
      },
    });
    const message = aMessage();
    expect(await at.services.deliveries.send(message)).toEqual(refusals("it could not be sent now"));
    expect(log.mock.calls.flat().join()).toContain("a message could not be queued");
    expect(log.mock.calls.flat().join()).not.toMatch(/493027|example\.com/);
  });
});

describe("texts", () => {
  const text = (to: string) => aMessage({ channel: "sms", to });
  const send = async (at: ReturnType<typeof sending>, to: string) => {
    const asked = await at.services.deliveries.send(text(to));
    return asked.ok ? "sent" : asked.error.code;
  };

  test("T71 of 50 texts to one range the cap lets through as many as it says, for an hour", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = sending({ SMS_PER_RANGE: "10" });
    const numbers = Array.from({ length: 50 }, (_, last) => `+49151111${String(10_000 + last).slice(1)}1`);
    const range = numbers.map((number) => `${number.slice(0, -5)}3${number.slice(-4)}`);
    const first = await Promise.all(range.map((number) => send(at, number)));
    expect(first.filter((result) => result === "sent")).toHaveLength(10);
    expect(first.filter((result) => result === "too_many")).toHaveLength(40);
    expect(at.queued).toHaveLength(10);
    expect(await send(at, "+4915222345678")).toBe("sent");
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(await send(at, range[0] ?? "")).toBe("sent");
  });

  test("T71 strangers leave the last of a range to others, and one network has half of what they may", async () => {
    const at = sending({ SMS_PER_RANGE: "10" });
    let serial = 0;
    const by = async (caller: Caller) => {
      const sent = await at.services.deliveries.send(text(`+491511177${1_000 + ++serial}`), caller);
      return sent.ok;
    };
    const sentBy = async (count: number, caller: Caller) => {
      const all: boolean[] = [];
      for (let time = 0; time < count; time++) all.push(await by(caller));
      return all.filter(Boolean).length;
    };
    expect(await sentBy(8, { brought: "nothing", network: "one" })).toBe(4);
    expect(await sentBy(1, { brought: "secret", network: "one" })).toBe(1);
    // Whoever sends them, they are of one sum: strangers stop at eight.
    expect(await sentBy(8, { brought: "nothing", network: "other" })).toBe(3);
    expect(await sentBy(8, { brought: "nothing", network: "third" })).toBe(0);
    expect(await sentBy(8, { brought: "secret" })).toBe(2);
  });

  test("T71 a country has a cap too, whichever ranges the numbers are of", async () => {
    const at = sending({ SMS_PER_COUNTRY: "7", SMS_COUNTRIES: "FR" });
    const numbers = Array.from({ length: 50 }, (_, n) => `+3361${String(1_000_000 + n * 10_007).slice(-7)}`);
    const results = await Promise.all(numbers.map((number) => send(at, number)));
    expect(results.filter((result) => result === "sent")).toHaveLength(7);
  });

  test("T71 50 texts to premium ranges and to countries that are not listed: none goes out", async () => {
    const at = sending();
    const numbers = Array.from({ length: 25 }, (_, n) => [`+4990012345${n}`, `+1876555${1_000 + n}`]).flat();
    const results = await Promise.all(numbers.map((number) => send(at, number)));
    expect(new Set(results)).toEqual(new Set(["not_allowed"]));
    expect(at.queued).toEqual([]);
  });

  test("are carried by the signed webhook where the deployment says so", async () => {
    const calls: { url: string; body: string; id: string | null }[] = [];
    const stub = async (url: string | URL, init: RequestInit) => {
      calls.push({
        url: String(url),
        body: String(init.body),
        id: new Headers(init.headers).get("webhook-id"),
      });
      return new Response(null, { status: 202 });
    };
    vi.stubGlobal("fetch", stub);
    const at = sending();
    const message = text("+4915733345678");
    await at.services.deliveries.send(message);
    expect(await at.bring(at.waiting())).toEqual({ taken: ["0"], again: [] });
    expect(calls).toMatchObject([{ url: "https://sender.example/in", id: message.id }]);
    const { data } = JSON.parse(calls[0]?.body ?? "{}");
    expect(data).toMatchObject({ channel: "sms", to: "+4915733345678", code: "493027" });
    expect(data.text).toContain("@sign.example #493027");
  });
});

test("the database of a production deployment keeps no outbox", async () => {
  const at = sending();
  await at.services.deliveries.send(aMessage());
  await at.bring(at.waiting());
  const { results } = await env.DB.prepare("select count(*) as rows from dev_outbox").all();
  expect(results).toEqual([{ rows: 0 }]);
});
