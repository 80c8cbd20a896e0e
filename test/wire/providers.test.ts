import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Server, startServer } from "./server.ts";
import { type App, freshEmail, makeApp } from "./support/app.ts";
import { openHostedPage } from "./support/hosted-page.ts";

type Arrival = { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: string };

const ACCOUNT = `AC${"0".repeat(32)}`;
const TWILIO = `/2010-04-01/Accounts/${ACCOUNT}/Messages.json`;

const arrivals: Arrival[] = [];
/** Statuses of the next answers; 200 after them. */
const statuses: number[] = [];
const provider = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  arrivals.push({
    path: request.url ?? "",
    headers: request.headers,
    body: Buffer.concat(parts).toString("utf8"),
  });
  response.writeHead(statuses.shift() ?? 200, { "content-type": "application/json" }).end("{}");
});

let server: Server;
let app: App;

beforeAll(async () => {
  await new Promise<void>((listening) => provider.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  server = await startServer({
    vars: {
      ...{ DELIVERY: "send", EMAIL_BY: "resend", EMAIL_FROM: "no-reply@sign.example" },
      ...{ RESEND_API_KEY: "re_test", RESEND_URL: url },
      ...{ SMS_BY: "twilio", SMS_COUNTRIES: "DE", TWILIO_URL: url, TWILIO_FROM: "+15005550006" },
      ...{ TWILIO_ACCOUNT_SID: ACCOUNT, TWILIO_AUTH_TOKEN: "token-of-the-account" },
    },
  });
  const place = { origin: server.origin, adminToken: "dev-admin-token" };
  app = await makeApp(place, { redirect_uris: ["myapp://done"] });
});

afterAll(async () => {
  await server?.stop();
  server?.remove();
  provider.closeAllConnections();
  await new Promise((closed) => provider.close(closed));
});

const arrived = (holds: string, count: number) =>
  vi.waitFor(
    () => {
      const found = arrivals.filter(({ body }) => body.includes(holds));
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 40_000, interval: 50 },
  );

test("an address is proven by a code that Resend carries; a second attempt is the same request, byte for byte", async () => {
  statuses.push(503);
  const address = freshEmail();
  const page = await openHostedPage(app, "myapp://done");
  await page.giveAddress(address);
  const [first, second] = (await arrived(address, 2)) as [Arrival, Arrival];
  expect(second.body).toBe(first.body);
  expect(first.headers["idempotency-key"]).toMatch(/^[A-Za-z0-9_-]{20,}$/);
  expect(second.headers["idempotency-key"]).toBe(first.headers["idempotency-key"]);
  const code = /^ {4}(\d{6})$/m.exec(JSON.parse(second.body).text)?.[1] ?? "";
  expect(await page.giveCode(code)).toMatch(/^myapp:\/\/done\?code=/);
  // T64: neither the code nor the provider's key is printed.
  expect(server.log()).not.toContain(code);
  expect(server.log()).not.toContain("re_test");
});

test("a number is proven by a code that Twilio carries, bound to this service's page", async () => {
  const number = "+4915112345678";
  const page = await openHostedPage(app, "myapp://done", "PHONE");
  await page.giveAddress(number);
  const [arrival] = (await arrived(encodeURIComponent(number), 1)) as [Arrival];
  expect(arrival.path).toBe(TWILIO);
  const text = new URLSearchParams(arrival.body).get("Body") ?? "";
  const code = /\n\n@127\.0\.0\.1 #(\d{6})$/.exec(text)?.[1] ?? "";
  expect(await page.giveCode(code)).toMatch(/^myapp:\/\/done\?code=/);
  expect(server.log()).not.toContain("token-of-the-account");
});

test.each([
  ["of a country that is not on the list", "+12125550123"],
  ["that is billed at a premium", "+49900123456"],
])("T71 no text goes to a number %s, and the page does not ask for a code", async (_what, number) => {
  const page = await openHostedPage(app, "myapp://done", "PHONE");
  await expect(page.giveAddress(number)).rejects.toThrow(/expected 303, came 4\d\d/);
  expect(arrivals.filter(({ body }) => body.includes(encodeURIComponent(number)))).toEqual([]);
});
