import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Server, startServer } from "./server.ts";
import { type App, freshEmail, makeApp } from "./support/app.ts";
import { openHostedPage } from "./support/hosted-page.ts";
import { CERTIFICATE, LOGIN, type MailServer, startMailServer } from "./support/mail-server.ts";

const FROM = "no-reply@sign.example";

let mail: MailServer;
let server: Server;
let app: App;

async function serve(security: "starttls" | "tls", port: number): Promise<Server> {
  vi.stubEnv("NODE_EXTRA_CA_CERTS", CERTIFICATE);
  return await startServer({
    vars: {
      DELIVERY: "send",
      EMAIL_BY: "smtp",
      EMAIL_FROM: FROM,
      SMTP_HOST: "localhost",
      SMTP_PORT: String(port),
      SMTP_SECURITY: security,
      SMTP_USERNAME: LOGIN.user,
      SMTP_PASSWORD: LOGIN.password,
    },
  });
}

beforeAll(async () => {
  mail = await startMailServer({ secure: false });
  server = await serve("starttls", mail.port);
  app = await makeApp(
    { origin: server.origin, adminToken: "dev-admin-token" },
    { redirect_uris: ["myapp://done"] },
  );
});

afterAll(async () => {
  await server?.stop();
  server?.remove();
  await mail?.stop();
  vi.unstubAllEnvs();
});

const arrivedFor = (address: string, at: MailServer = mail) =>
  vi.waitFor(
    () => {
      const found = at.arrived.filter(({ to }) => to.includes(address));
      expect(found).toHaveLength(1);
      return found[0] as MailServer["arrived"][number];
    },
    { timeout: 40_000, interval: 50 },
  );

/** Waits for words that the server has not printed before `since`. */
const inLog = (words: string, since: number) =>
  vi.waitFor(() => expect(server.log().slice(since)).toContain(words), { timeout: 40_000, interval: 50 });

test("a code asked for on the hosted page arrives by SMTP, over STARTTLS and with a login, and proves the address", async () => {
  const address = freshEmail();
  const page = await openHostedPage(app, "myapp://done");
  await page.giveAddress(address);
  const { from, to, secure, user, mail: read } = await arrivedFor(address);
  expect({ from, to, secure, user }).toEqual({ from: FROM, to: [address], secure: true, user: LOGIN.user });
  expect(read.from).toEqual({ name: "Wire test", address: FROM });
  expect(read.subject).toBe("Your Wire test code");
  const code = /^ {4}(\d{6})$/m.exec(read.text ?? "")?.[1] ?? "";
  expect(code).toMatch(/^\d{6}$/);
  expect(read.html).toContain(code);
  expect(read.html).toContain("Never read this code to anyone");
  expect(await page.giveCode(code)).toMatch(/^myapp:\/\/done\?code=/);
  // T64: what the server printed meanwhile holds neither the code nor the login.
  expect(server.log()).not.toContain(code);
  expect(server.log()).not.toContain(LOGIN.password);
});

test("a server that is busy is asked again, and the letter comes once", async () => {
  mail.refuse([451]);
  const address = freshEmail();
  const since = server.log().length;
  const page = await openHostedPage(app, "myapp://done");
  await page.giveAddress(address);
  await inLog("the server answered 451 to the recipient", since);
  await arrivedFor(address);
});

test("T64 a server that refuses for good is not asked again, and its words go nowhere", async () => {
  mail.refuse([550]);
  const address = freshEmail();
  const since = server.log().length;
  const page = await openHostedPage(app, "myapp://done");
  await page.giveAddress(address);
  await inLog("the server answered 550 to the recipient", since);
  await vi.waitFor(
    async () => {
      const { body } = await app.admin("GET", "/admin/audit", {
        query: { client_id: app.clientId, type: "delivery_failed" },
      });
      expect(JSON.stringify(body)).toContain("the server answered 550 to the recipient");
      expect(JSON.stringify(body)).not.toMatch(/493027|not now/);
    },
    { timeout: 20_000, interval: 100 },
  );
  expect(server.log()).not.toContain("not now");
  expect(mail.arrived.filter(({ to }) => to.includes(address))).toEqual([]);
});

test.each([
  ["strips STARTTLS", "the server offers no STARTTLS"],
  ["speaks before TLS", "the server spoke out of turn before TLS"],
  ["hangs up", "the server hung up"],
  ["hangs up after the greeting", "the server hung up"],
] as const)("a server that %s is sent neither login nor letter", async (manner, reason) => {
  mail.behave(manner);
  try {
    const since = server.log().length;
    const page = await openHostedPage(app, "myapp://done");
    await page.giveAddress(freshEmail());
    await inLog(reason, since);
    expect(mail.overheard.join("\n")).not.toMatch(/AUTH|MAIL|RCPT|DATA/);
  } finally {
    mail.behave("good");
  }
});

test("a letter goes by implicit TLS too", async () => {
  const secured = await startMailServer({ secure: true });
  const other = await serve("tls", secured.port);
  try {
    const there = await makeApp(
      { origin: other.origin, adminToken: "dev-admin-token" },
      { redirect_uris: ["myapp://done"] },
    );
    const address = freshEmail();
    const page = await openHostedPage(there, "myapp://done");
    await page.giveAddress(address);
    const { secure, mail: read } = await arrivedFor(address, secured);
    expect(secure).toBe(true);
    expect(read.text).toMatch(/^ {4}\d{6}$/m);
  } finally {
    await other.stop();
    other.remove();
    await secured.stop();
  }
}, 120_000);
