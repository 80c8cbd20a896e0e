import { afterEach, describe, expect, test, vi } from "vitest";
import {
  createPhone,
  memoryStorage,
  readLink,
  webCryptoKeys,
} from "../../../packages/countersign/src/phone/phone.ts";
import { ISSUER, listed, NOW, newPhone, newService, SESSION } from "./service.ts";

const partsOf = (jwt: string) =>
  jwt.split(".", 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString())) as [
    { jwk: JsonWebKey },
    object,
  ];

describe("a call", () => {
  test("RFC 9449 §4.2: its proof names method, address and token, and is another each time", async () => {
    const service = newService();
    const { phone, keys } = await newPhone(service);
    service.says("GET /approver/activity", { events: [] });
    await phone.activity({ after: "x&y" });
    await phone.activity({ after: "x&y" });
    const [first, second] = service.sent;
    expect(first?.url).toBe(`${ISSUER}/approver/activity?after=x%26y`);
    expect(first?.headers.get("Authorization")).toBe("DPoP t0ken");
    const proof = first?.headers.get("DPoP") ?? "";
    expect(second?.headers.get("DPoP")).not.toBe(proof);
    const [header, claims] = partsOf(proof);
    expect(header).toEqual({ alg: "ES256", typ: "dpop+jwt", jwk: (await keys.load())?.signer.publicJwk });
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("t0ken"));
    expect(claims).toMatchObject({
      htm: "GET",
      htu: `${ISSUER}/approver/activity`,
      iat: NOW / 1000,
      ath: Buffer.from(digest).toString("base64url"),
    });
    const [head = "", body = "", signature = ""] = proof.split(".");
    const kind = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", header.jwk, kind, true, ["verify"]);
    const input = new TextEncoder().encode(`${head}.${body}`);
    expect(await crypto.subtle.verify(kind, key, Buffer.from(signature, "base64url"), input)).toBe(true);
  });

  test("goes to where the service is reached, and its proof names the service", async () => {
    const service = newService();
    const { phone } = await newPhone(service, { base: "http://localhost:8787" });
    service.says("GET /approver/devices", { devices: [SESSION.device] });
    expect(await phone.devices()).toHaveLength(1);
    const [sent] = service.sent;
    expect(sent?.url).toBe("http://localhost:8787/approver/devices");
    expect(partsOf(sent?.headers.get("DPoP") ?? "")[1]).toMatchObject({ htu: `${ISSUER}/approver/devices` });
  });

  test.each([
    [
      "problem details",
      Response.json({ code: "expired", left: 1, detail: "over" }, { status: 410 }),
      { code: "expired", status: 410, error: "expired", data: { left: 1 }, message: "over" },
    ],
    [
      "a newer request",
      Response.json({ code: "superseded" }, { status: 410 }),
      { code: "cancelled", error: "superseded" },
    ],
    [
      "a limit",
      Response.json({ code: "too_many", until: "x" }, { status: 429, headers: { "Retry-After": "7" } }),
      { code: "unavailable", error: "too_many", retryAfter: 7, data: { until: "x" } },
    ],
    [
      "an outage",
      new Response("", { status: 503, headers: { "Retry-After": "1" } }),
      { code: "unavailable", status: 503, retryAfter: 1 },
    ],
    [
      "a page of something between",
      new Response("<html>", { status: 502 }),
      { code: "unavailable", status: 502, error: "unavailable" },
    ],
    [
      "a refusal without a code",
      Response.json({ title: "x" }, { status: 400 }),
      { code: "refused", status: 400, error: "refused" },
    ],
    [
      "a code that is no text",
      Response.json({ code: 7 }, { status: 400 }),
      { code: "refused", error: "refused" },
    ],
    ["a refusal that is no object", Response.json(null, { status: 400 }), { code: "refused", status: 400 }],
    [
      "T133 a code of every object",
      Response.json({ code: "constructor" }, { status: 409 }),
      { code: "refused", error: "constructor" },
    ],
    ["an answer that cannot be read", new Response("<html>"), { code: "network", status: 200 }],
  ])("%s is an error of this kind", async (_, answer, error) => {
    const service = newService();
    const { phone } = await newPhone(service);
    service.says("GET /approver/recovery-codes", () => answer);
    await expect(phone.recoveryCodes()).rejects.toMatchObject({ name: "CountersignError", ...error });
  });

  test("no network is one too, and no error holds the token", async () => {
    const service = newService();
    const { phone } = await newPhone(service);
    service.says("GET /approver/recovery-codes", () => Promise.reject(new TypeError("Failed to fetch")));
    const error = await phone.recoveryCodes().catch((cause) => cause);
    expect([error.code, error.status]).toEqual(["network", undefined]);
    service.says("GET /approver/recovery-codes", { code: "malformed", detail: "no" }, 400);
    const refused = await phone.recoveryCodes().catch((cause) => cause);
    expect(JSON.stringify([error, refused, String(error), refused.stack])).not.toContain("t0ken");
  });

  test.each([401, 403, 409, 410, 422, 429, 500, 503])(
    "a decision that was refused with %i is sent once",
    async (status) => {
      const service = newService();
      const { phone } = await newPhone(service);
      const id = "a".repeat(64);
      const payload = {
        v: 1,
        iss: ISSUER,
        id,
        exp: NOW / 1000 + 60,
        client: { id: "c", name: "C" },
        purpose: "sign_in",
        shown: { at: 1 },
      };
      const common = {
        expires_at: "",
        listed_at: "",
        unlock: false,
        warnings: [],
        answers: ["deny"] as const,
      };
      service.says("GET /approver/prompts", listed({ ...common, id, match: "none", payload }));
      service.says(`POST /approver/prompts/${id}/decision`, { code: "whatever" }, status);
      const [prompt] = (await phone.prompts()).prompts;
      await expect(prompt?.decline()).rejects.toMatchObject({ status, error: "whatever" });
      expect(service.sent.filter(({ call }) => call.endsWith("/decision"))).toHaveLength(1);
    },
  );
});

describe("the server's clock", () => {
  test("counts where this one is wrong, and no longer than it is", async () => {
    const service = newService();
    let own = NOW - 3_600_000;
    const { phone } = await newPhone(service, { clock: () => own });
    expect(phone.now()).toBe(NOW);
    own = NOW;
    service.says("GET /approver/recovery-codes", { left: 0 });
    await phone.recoveryCodes();
    expect(phone.now()).toBe(NOW);
  });

  test("a proof that did not fit is made once more, by the clock that its refusal told", async () => {
    const service = newService();
    const { phone } = await newPhone(service);
    let asked = 0;
    service.says("GET /approver/recovery-codes", () => {
      asked += 1;
      const headers = { Date: new Date(NOW + 600_000).toUTCString() };
      if (asked === 1) return Response.json({ code: "bad_proof" }, { status: 401, headers });
      return Response.json({ left: 3 }, { headers });
    });
    expect(await phone.recoveryCodes()).toEqual({ left: 3 });
    const times = service.sent.map(
      ({ headers }) => (partsOf(headers.get("DPoP") ?? "")[1] as { iat: number }).iat,
    );
    expect(times).toEqual([NOW / 1000, NOW / 1000 + 600]);
    service.says("GET /approver/recovery-codes", { code: "bad_proof" }, 401);
    await expect(phone.recoveryCodes()).rejects.toMatchObject({ error: "bad_proof" });
    expect(service.sent).toHaveLength(4);
  });
});

describe("createPhone", () => {
  test.each([
    "",
    "sign.example",
    "https://sign.example/",
    "https://sign.example/x",
    "https://a@sign.example",
    "ftp://sign.example",
    "https://sign.example?x",
  ])("refuses the issuer %j", (issuer) => {
    const make = () => createPhone({ issuer, keys: webCryptoKeys(memoryStorage()) });
    expect(make).toThrow(expect.objectContaining({ code: "invalid_argument", error: "issuer" }));
  });

  test("the key of a browser cannot be taken out of it", async () => {
    const storage = memoryStorage();
    const { phone } = await newPhone(newService(), { keys: webCryptoKeys(storage) });
    expect(await phone.me()).toEqual({
      account: "ana@example.com",
      device: { id: SESSION.device.id, kind: "key" },
    });
    const { key } = (await storage.get()) as { key: CryptoKeyPair };
    expect(key.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("jwk", key.privateKey)).rejects.toThrow();
  });
});

describe("a link", () => {
  const frame = "f-_0".repeat(6);
  test.each([
    [`#scan=abc1.${frame}`, { kind: "scan", challengeId: "abc1", frame }],
    ["#code=WDJB-MJHT", { kind: "code", userCode: "WDJB-MJHT" }],
    ["#add=abc.def~v1:x", { kind: "add", ticket: "abc.def~v1:x" }],
    [`#prompt=${"0a".repeat(32)}`, { kind: "prompt", id: "0a".repeat(32) }],
    ["#prompt=../devices", undefined],
    ["#scan=abc1.short", undefined],
    ["#devices", undefined],
    ["", undefined],
  ])("of %j", (hash, link) => {
    expect(readLink(`${ISSUER}/phone${hash}`, ISSUER)).toEqual(link);
    expect(readLink(`https://evil.example/phone${hash}`, ISSUER)).toBeUndefined();
    expect(readLink(`${ISSUER}.evil.example/phone${hash}`, ISSUER)).toBeUndefined();
  });
});

describe("a watch whose socket says nothing", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  class Dead {
    static readonly made: Dead[] = [];
    readyState = 1;
    readonly said: string[] = [];
    onmessage: ((event: { data: string }) => void) | undefined;
    onclose: (() => void) | undefined;
    readonly protocols: readonly string[];
    constructor(_url: string, protocols: readonly string[]) {
      this.protocols = protocols;
      Dead.made.push(this);
    }
    send(text: string) {
      this.said.push(text);
    }
    close() {
      this.readyState = 3;
    }
  }

  test("a phone that slept through its end makes it anew: no answer to a ping is an end", async () => {
    const service = newService();
    service.says("GET /approver/prompts", listed());
    const { phone } = await newPhone(service, { WebSocket: Dead as unknown as typeof WebSocket });
    vi.useFakeTimers();
    const watch = phone.watch({ onPrompts: () => undefined });
    await vi.waitFor(() => expect(Dead.made).toHaveLength(1), 10_000);
    expect(Dead.made[0]?.protocols[0]).toBe("countersign.v1");
    expect(Dead.made[0]?.protocols[1]).toBe("countersign.token.t0ken");
    await vi.advanceTimersByTimeAsync(25_000);
    expect(Dead.made[0]?.said).toEqual(["ping"]);
    Dead.made[0]?.onmessage?.({ data: "pong" });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(Dead.made).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(27_000);
    await vi.waitFor(() => expect(Dead.made).toHaveLength(2), 10_000);
    watch.stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(Dead.made).toHaveLength(2);
  });

  test("a session that was over twice ends no watch: the next try goes on", async () => {
    Dead.made.length = 0;
    const service = newService();
    const { phone } = await newPhone(service, { WebSocket: Dead as unknown as typeof WebSocket });
    service.says("POST /approver/sessions", SESSION, 201);
    service.says("GET /approver/prompts", { code: "session_over" }, 401);
    vi.useFakeTimers();
    const standings: string[] = [];
    const watch = phone.watch({ onPrompts: () => undefined, onStanding: (one) => standings.push(one) });
    await vi.waitFor(() => expect(standings).toEqual(["away"]), 10_000);
    expect(Dead.made).toEqual([]);
    service.says("GET /approver/prompts", listed());
    await vi.advanceTimersByTimeAsync(1_500);
    await vi.waitFor(() => expect(Dead.made).toHaveLength(1), 10_000);
    watch.stop();
  });

  test("ends by itself where this is nobody's phone any more", async () => {
    Dead.made.length = 0;
    const service = newService();
    const ended: string[] = [];
    const onEnded = (why: string) => void ended.push(why);
    const { phone } = await newPhone(service, { WebSocket: Dead as unknown as typeof WebSocket, onEnded });
    service.says("POST /approver/sessions", { code: "not_a_device" }, 403);
    service.says("GET /approver/prompts", { code: "session_over" }, 401);
    vi.useFakeTimers();
    phone.watch({ onPrompts: () => undefined });
    await vi.waitFor(() => expect(ended).toEqual(["removed"]), 10_000);
    const before = service.sent.length;
    await vi.advanceTimersByTimeAsync(120_000);
    expect([service.sent.length, Dead.made.length]).toEqual([before, 0]);
  });
});
