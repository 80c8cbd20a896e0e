import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type {
  DeviceWire,
  EventWire,
  ListedWire,
  PromptWire,
  SessionWire,
  Shown,
} from "../../packages/protocol/src/approver.ts";
import { phoneFiles } from "../../scripts/build-phone.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { type Site, startSite } from "./verify-support.ts";

type Said = { readonly status: number; readonly body?: unknown; readonly after?: Promise<unknown> };

/**
 * The phone page as it is built, before a service that says what a test wants to be shown: each look and each refusal without the walk that
 * leads there. The walks themselves are in phone.test.ts and phone-life.test.ts, before a real server.
 */
export type Stage = OpenPage & {
  readonly origin: string;
  /** What `METHOD /path` is answered with; the newest word counts. */
  says(call: string, body: unknown, status?: number, after?: Promise<unknown>): void;
  /** Bodies of the calls that came, by `METHOD /path`. */
  readonly calls: readonly { readonly call: string; readonly body: string }[];
  /** Loads the page anew at this fragment. */
  open(hash: string): Promise<void>;
  /** Tells the page over its socket that something changed. */
  stir(): void;
};

/** What the service calls itself; the page is reached at another address, as behind a tunnel. */
const ISSUER = "https://sign.example";
export const CONFIG = { issuer: ISSUER, name: "Countersign", rp_id: "localhost" } as const;

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  png: "image/png",
  webmanifest: "application/manifest+json",
};

/** The policy of the page as it is served (assets/_headers). */
const policy = (): string => {
  const headers = readFileSync(resolve(import.meta.dirname, "../../assets/_headers"), "utf8");
  return /^\/phone$[^/]*?Content-Security-Policy: (.*)$/m.exec(headers)?.[1] ?? "";
};

async function startService(
  words: ReadonlyMap<string, Said>,
  calls: { call: string; body: string }[],
): Promise<Site> {
  const files = new Map((await phoneFiles()).map(({ path, bytes }) => [`/${path}`, bytes]));
  return await startSite(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = files.get(pathname === "/phone" ? "/phone.html" : pathname);
    if (file) {
      const type = TYPES[(pathname === "/phone" ? "html" : pathname.split(".").pop()) ?? ""] ?? "";
      response.writeHead(200, {
        "Content-Type": type,
        "Content-Security-Policy": policy(),
        "Service-Worker-Allowed": "/phone",
      });
      response.end(file);
      return;
    }
    let body = "";
    for await (const part of request) body += String(part);
    const call = `${request.method} ${pathname}`;
    calls.push({ call, body });
    const said = words.get(call) ?? { status: 404, body: { code: "not_staged" } };
    await said.after;
    response.writeHead(said.status, { "Content-Type": "application/json" });
    response.end(said.body === undefined ? "" : JSON.stringify(said.body));
  });
}

export async function openStage(): Promise<Stage> {
  const words = new Map<string, Said>();
  const calls: { call: string; body: string }[] = [];
  const site = await startService(words, calls);
  const open = await openPage({ viewport: { width: 360, height: 740 } });
  const { page } = open;
  const lines = new Set<{ send(text: string): void }>();
  await page.context().routeWebSocket(/\/approver\/socket$/, (line) => {
    lines.add(line);
    line.onClose(() => lines.delete(line));
    line.send(JSON.stringify({ type: "prompts", count: 0 }));
  });
  const says: Stage["says"] = (call, body, status = 200, after = undefined) =>
    void words.set(call, { status, body, ...(after ? { after } : {}) });
  says("GET /approver/config", CONFIG);
  return {
    ...open,
    origin: site.origin,
    says,
    calls,
    async open(hash) {
      await page.goto("about:blank");
      await page.goto(`${site.origin}/phone${hash}`);
    },
    stir: () => {
      for (const line of lines) line.send(JSON.stringify({ type: "prompts", count: 1 }));
    },
    async close() {
      await open.close();
      await site.close();
    },
  };
}

export const THIS: DeviceWire = {
  id: "11111111-1111-4111-8111-111111111111",
  name: "Ana's phone",
  kind: "key",
  enrolled_at: "2026-03-01T09:30:00.000Z",
  this: true,
  new: false,
  removable: true,
};
export const SESSION: SessionWire = {
  token: "t0ken",
  expires_in: 2_592_000,
  device: THIS,
  account: "ana@example.com",
};

export const listed = (prompts: readonly PromptWire[], more: Partial<ListedWire> = {}): ListedWire => ({
  prompts,
  blocked: { count: 0 },
  silences: [],
  new_devices: [],
  account: SESSION.account,
  device: THIS,
  ...more,
});

/** The browser becomes Ana's phone, with a key. */
export async function becomePhone(stage: Stage): Promise<void> {
  const { page, says } = stage;
  says("POST /approver/enrolments/begin", { enrolment: "e1", account: SESSION.account });
  says("POST /approver/enrolments", SESSION, 201);
  says("GET /approver/prompts", listed([]));
  await stage.open("#add=t1");
  await page.getByRole("button", { name: "Add without a passkey" }).click();
  await page.getByRole("button", { name: "Back to the requests" }).click();
  await page.getByRole("heading", { name: "Nothing to approve" }).waitFor();
}

const MINUTE = 60_000;
let made = 0;

/** A request as the service shows it: from Berlin, of a shop, with a number. */
export function request(
  shown: Partial<Shown> = {},
  more: Partial<PromptWire> = {},
  name = "Shop",
): PromptWire {
  made += 1;
  const id = made.toString(16).padStart(64, "0");
  const now = Date.now();
  return {
    id,
    expires_at: new Date(now + 3 * MINUTE).toISOString(),
    listed_at: new Date(now).toISOString(),
    match: "number",
    unlock: false,
    answers: ["deny", "approve"],
    warnings: [],
    payload: {
      v: 1,
      iss: ISSUER,
      id,
      nonce: "n0nce",
      exp: Math.floor(now / 1000) + 180,
      client: { id: "client_1", name },
      purpose: "sign_in",
      shown: {
        at: Math.floor(Date.UTC(2026, 9, 20, 12) / 1000),
        place: "Berlin, DE",
        device: "Firefox, Windows",
        ...shown,
      },
    },
    ...more,
  };
}

export const events: readonly EventWire[] = [
  { id: "1", at: "2026-10-20T12:00:00Z", type: "approved", client: "Shop", place: "Berlin, DE" },
  { id: "2", at: "2026-10-19T12:00:00Z", type: "device_added", device: "Ana's tablet" },
  {
    id: "3",
    at: "2026-10-18T12:00:00Z",
    type: "reported",
    client: "The Long-Named Shop & Sons",
    place: "Lyon, FR",
  },
  { id: "4", at: "2026-10-17T12:00:00Z", type: "recovery_codes_made", device: "Ana's phone" },
];
