import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { AuditEvent } from "../../../../src/core/audit/event.ts";
import { webhookSecretOf } from "../../../../src/core/client/webhook-secret.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import { makeWebhooks } from "../../../../src/delivery/webhook/send.ts";

const NOW = 1_760_000_123_456;
const clientId = "shop" as ClientId;
const event: AuditEvent = {
  id: "0199c0000000abcdef0123456789abcd",
  at: NOW - 5_000,
  type: "refresh_reused",
  actor: "client:shop",
  clientId,
  data: { grant_id: "g" },
};
const webhooks = makeWebhooks({ clock: { now: () => NOW }, allowPrivate: true });

const servers: Server[] = [];

/** A receiver on this machine; answers its address. */
async function receiver(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

afterEach(async () => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
});

describe("a webhook on its way", () => {
  test("T98 arrives as one POST whose signatures verify over the bytes that came", async () => {
    const arrived: { method?: string; url?: string; headers: IncomingMessage["headers"]; body: string }[] =
      [];
    const origin = await receiver(async (request, response) => {
      const { method = "", url = "", headers } = request;
      arrived.push({ method, url, headers, body: await textOf(request) });
      response.writeHead(204).end();
    });
    const target = { url: `${origin}/hooks?tenant=7`, clientId, secrets: ["new", "old"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "sent" });
    expect(arrived).toHaveLength(1);
    const { method, url, headers, body } = arrived[0]!;
    expect({ method, url, type: headers["content-type"] }).toEqual({
      method: "POST",
      url: "/hooks?tenant=7",
      type: "application/json",
    });
    expect(JSON.parse(body)).toMatchObject({ id: event.id, type: "refresh_reused", client_id: "shop" });
    expect(headers["webhook-id"]).toBe(event.id);
    // The moment of the attempt, not of the event: a receiver refuses what is older than five minutes.
    expect(headers["webhook-timestamp"]).toBe("1760000123");
    const signed = `${event.id}.1760000123.${body}`;
    const mac = (key: string | Buffer) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
    const derived = (secret: string) => mac(createHmac("sha256", secret).update("webhook").digest());
    // Receivers of old look at the first.
    expect(headers["webhook-signature"]).toBe(
      `${mac("new")} ${mac("old")} ${derived("new")} ${derived("old")}`,
    );
  });

  test("the library of Standard Webhooks takes it with either webhook secret, and with no other", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
    const arrived: { headers: Record<string, string>; body: string }[] = [];
    const origin = await receiver(async (request, response) => {
      const headers = request.headers as Record<string, string>;
      arrived.push({ headers, body: await textOf(request) });
      response.end();
    });
    const target = { url: `${origin}/hook`, clientId, secrets: ["new", "old"] } as const;
    await webhooks.send(target, { ...event, data: { name: "Grüße 👋" } });
    const { headers, body } = arrived[0]!;
    for (const secret of ["new", "old"]) {
      expect(new Webhook(await webhookSecretOf(secret)).verify(body, headers)).toEqual(JSON.parse(body));
    }
    const others = [await webhookSecretOf("other"), `whsec_${Buffer.from("other").toString("base64")}`];
    for (const other of others) {
      expect(() => new Webhook(other).verify(body, headers)).toThrow(WebhookVerificationError);
    }
    expect(() => new Webhook(others[0]!).verify(`${body} `, headers)).toThrow(WebhookVerificationError);
  });

  test("T97 no redirect is followed", async () => {
    const seen: string[] = [];
    const origin = await receiver((request, response) => {
      seen.push(request.url ?? "");
      response.writeHead(307, { location: "/elsewhere" }).end("moved");
    });
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "refused", reason: "status 307" });
    expect(seen).toEqual(["/hook"]);
  });

  test("a receiver that does not answer is given five seconds, then tried again later", async () => {
    const bound = vi.spyOn(AbortSignal, "timeout");
    const soon = new AbortController();
    bound.mockReturnValue(soon.signal);
    const origin = await receiver(() => soon.abort());
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "retry", reason: "no answer in time" });
    expect(bound.mock.calls).toEqual([[5_000]]);
  });

  test("a receiver that is not there, or hangs up, is tried again later", async () => {
    const origin = await receiver((request) => request.socket.destroy());
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "retry", reason: "no connection" });
  });

  test("what a receiver says beside its status is not read", async () => {
    const origin = await receiver((_request, response) => response.writeHead(400).end('{"code":7}'));
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "refused", reason: "status 400" });
  });

  test("an endless answer is not read", async () => {
    const closed = Promise.withResolvers<void>();
    const origin = await receiver((_request, response) => {
      response.on("close", closed.resolve);
      const more = () => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      response.writeHead(200);
      more();
    });
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await webhooks.send(target, event)).toEqual({ kind: "sent" });
    await closed.promise;
  });

  test("T97 an address that may not be called is not called, whatever was kept", async () => {
    const seen: string[] = [];
    const origin = await receiver((request, response) => {
      seen.push(request.url ?? "");
      response.end();
    });
    const strict = makeWebhooks({ clock: { now: () => NOW }, allowPrivate: false });
    const target = { url: `${origin}/hook`, clientId, secrets: ["s"] } as const;
    expect(await strict.send(target, event)).toEqual({
      kind: "refused",
      reason: "the address must be https",
    });
    expect(seen).toEqual([]);
  });
});
