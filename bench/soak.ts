/**
 * Mixed traffic for SECONDS (1,800; `--quick`: 60), the runtime killed and started again twice in the middle. Afterwards what the clients saw
 * is held against what the server has: each approval that was answered has its tokens, each token its one grant and its one audit row.
 * Ends with 0 only if nothing was lost, nothing was redeemed twice, and no 5xx came outside the restarts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { approveCotter, newApp, newPerson, startCotter } from "./flows/cotter.ts";
import { type Answer, type Http, makeHttp } from "./load/http.ts";
import { memoryMib, type Served, serve } from "./processes.ts";
import { bundle, ROOT } from "./subject/bare.ts";
import { freePort } from "./subject/port.ts";

const SECONDS = process.argv.includes("--quick") ? 60 : Number(process.env.SECONDS ?? 1_800);
const AT_ONCE = 6;
const CIBA = "urn:openid:params:grant-type:ciba";

type Seen = {
  readonly door: "cotter" | "ciba";
  readonly userId: string;
  /** Whether the phone's yes was answered: from then on it must not get lost. */
  approved: boolean;
  /** Refresh tokens that were answered for it: one, however often it was asked. */
  readonly tokens: Set<string>;
};

const ledger: Seen[] = [];
const faults: string[] = [];
let isRestarting = false;
let refreshed = 0;

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A call that may be repeated: tried again while the server is away, and 30 s after an answer was lost. */
async function again(
  call: () => Promise<Answer>,
  good: (answer: Answer) => boolean,
): Promise<Answer | undefined> {
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      const answer = await call();
      if (answer.status < 500) return good(answer) ? answer : undefined;
      if (!isRestarting) faults.push(`${answer.status} ${JSON.stringify(answer.body).slice(0, 120)}`);
    } catch (error) {
      if (!isRestarting) faults.push(`no answer: ${String(error)}`);
    }
    await pause(200);
  }
  return undefined;
}

type Scene = {
  readonly http: Http;
  readonly headers: Readonly<Record<string, string>>;
  readonly basic: string;
};

async function newScene(http: Http, adminToken: string): Promise<Scene> {
  const headers = await newApp(http, adminToken);
  const { body } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Soak",
      kind: "confidential",
      grant_types: [CIBA, "refresh_token"],
      settings: { approve_through: "realm", match_code: "off" },
    },
  });
  return { http, headers, basic: `Basic ${btoa(`${body.client_id}:${body.client_secret}`)}` };
}

/** One sign-in of a new user, collected twice as a client does whose answer got lost, then refreshed. */
async function signIn({ http, headers, basic }: Scene, door: Seen["door"]): Promise<void> {
  const person = await newPerson(http, headers);
  const seen: Seen = { door, userId: person.userId, approved: false, tokens: new Set() };
  let collect: () => Promise<Answer>;
  let tokenOf: (answer: Answer) => string | undefined;
  if (door === "cotter") {
    const { ID } = await startCotter(http, headers, person.userId);
    collect = () => http.call(`/api/v0/event/get/${ID}?oauth_token=true`, { headers });
    tokenOf = ({ body }) => body.oauth_token?.refresh_token;
  } else {
    const { body: asked } = await http.read("/oauth/bc-authorize", 200, {
      headers: { authorization: basic },
      form: { scope: "openid offline_access", login_hint: person.userId },
    });
    const form = { grant_type: CIBA, auth_req_id: asked.auth_req_id };
    collect = () => http.call("/oauth/token", { headers: { authorization: basic }, form });
    tokenOf = ({ body }) => body.refresh_token;
  }
  ledger.push(seen);
  await approveCotter(http, headers, person);
  seen.approved = true;
  for (const _ of ["collected", "and once more"]) {
    const answer = await again(collect, (given) => tokenOf(given) !== undefined);
    const token = answer && tokenOf(answer);
    if (token !== undefined) seen.tokens.add(token);
  }
  const [token] = seen.tokens;
  if (door !== "cotter" || token === undefined) return;
  const json = { grant_type: "refresh_token", refresh_token: token };
  const next = await again(
    () => http.call("/api/v0/token", { headers, json }),
    ({ status }) => status === 200,
  );
  if (next) refreshed += 1;
}

async function traffic(scene: () => Promise<Scene>, until: number): Promise<void> {
  let round = 0;
  while (Date.now() < until) {
    round += 1;
    try {
      await signIn(await scene(), round % 3 === 0 ? "ciba" : "cotter");
    } catch (error) {
      // What was begun when the runtime died is begun anew; anything else is a fault.
      if (!isRestarting) faults.push(String(error));
      await pause(200);
    }
  }
}

/** What the server has of each user: their grants and their redemptions on record. */
async function reconcile(http: Http, adminToken: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const wrong: string[] = [];
  for (const { door, userId, approved, tokens } of ledger) {
    const { body: grants } = await http.read(`/admin/users/${userId}/grants`, 200, { headers });
    const path = `/admin/audit?user_id=${userId}&type=sign_in.redeemed`;
    const { body: audit } = await http.read(path, 200, { headers });
    const [granted, recorded] = [grants.grants.length, audit.events.length];
    const say = (what: string) =>
      wrong.push(`${door} ${userId}: ${what}, ${granted} grants, ${recorded} on record`);
    if (approved && tokens.size === 0) say("an approval whose tokens never came");
    if (tokens.size > 1) say(`${tokens.size} different tokens of one approval`);
    if (granted > 1) say("more than one grant");
    if (granted !== recorded) say("grants and records differ");
    if (tokens.size === 1 && granted === 0) say("tokens without a grant");
  }
  return wrong;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-soak-"));
  const port = await freePort();
  const built = bundle(join(ROOT, "wrangler.toml"));
  const start = (isFirst: boolean): Promise<Served> =>
    serve("subject/serve.ts", {
      PORT: String(port),
      STATE: folder,
      BUNDLE: built,
      ...(isFirst ? {} : { MIGRATED: "1" }),
    });
  let server = await start(true);
  const adminToken = String(server.said.adminToken);
  const http = makeHttp(server.said.origin, AT_ONCE * 2);
  const scene = await newScene(http, adminToken);
  const began = Date.now();
  const memory: number[] = [];
  const sampler = setInterval(() => memory.push(Math.round(memoryMib(server.pid))), 5_000);
  const work = Promise.all(
    Array.from({ length: AT_ONCE }, () => traffic(async () => scene, began + SECONDS * 1000)),
  );
  for (const part of [1 / 3, 2 / 3]) {
    await pause(began + SECONDS * 1000 * part - Date.now());
    isRestarting = true;
    await server.kill9();
    server = await start(false);
    // Calls that were under way are answered or repeated by now.
    await pause(2_000);
    isRestarting = false;
    console.error(`  killed and started again after ${Math.round((Date.now() - began) / 1000)} s`);
  }
  await work;
  clearInterval(sampler);
  // The broom lists what a killed call has left behind within a minute.
  const deadline = Date.now() + 90_000;
  let wrong = await reconcile(http, adminToken);
  while (wrong.length > 0 && Date.now() < deadline) {
    await pause(5_000);
    wrong = await reconcile(http, adminToken);
  }
  await server.stop();
  for (const left of [folder, built]) rmSync(left, { recursive: true, force: true });
  const collected = ledger.filter(({ tokens }) => tokens.size === 1).length;
  console.log(
    `${ledger.length} sign-ins in ${SECONDS} s, ${collected} collected, ${refreshed} refreshed, two kills`,
  );
  console.log(`memory in MiB, each 5 s: ${memory.join(" ")}`);
  for (const line of [...faults.map((fault) => `fault: ${fault}`), ...wrong].slice(0, 20)) console.log(line);
  const isGood = faults.length === 0 && wrong.length === 0 && collected > 0;
  console.log(
    isGood ? "nothing lost, nothing twice" : `${faults.length} faults, ${wrong.length} differences`,
  );
  process.exit(isGood ? 0 : 1);
}

await main();
