/**
 * The calls of one Cotter sign-in with next to nothing in them: as many requests, calls to D1 and objects, rows and signatures, in the
 * same order (`SIGN_INS` in test/worker/whole/budget/counts.ts). What the runtime takes for them is the least that such a sign-in can take.
 */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

type Env = {
  readonly DB: D1Database;
  readonly CHALLENGES: DurableObjectNamespace<ChallengeObject>;
  readonly INBOXES: DurableObjectNamespace<InboxObject>;
};

const MINUTE = 60_000;
const MONTH = 30 * 24 * 60 * MINUTE;
/** About as many bytes as a challenge's record, a grant's row and an audit row have. */
const TEXT = "x".repeat(1_500);
const GRANT = "x".repeat(200);
const EVENT = "x".repeat(500);
const CLAIMS = new TextEncoder().encode("x".repeat(400));

/** Another one each time: SQLite does not write what is there already. */
const record = () => ({ text: TEXT, at: performance.now(), id: crypto.randomUUID() });

/** One record in a file of its own, and its alarm. */
export class ChallengeObject extends DurableObject {
  open(): object | undefined {
    return this.ctx.storage.kv.get("record") ? undefined : this.#write(Date.now() + MINUTE);
  }

  apply(): object {
    return this.#write();
  }

  mark(): void {
    this.#write(Date.now() + MONTH);
  }

  #write(alarmAt?: number): object {
    const next = record();
    this.ctx.storage.transactionSync(() => {
      this.ctx.storage.kv.put("record", next);
      if (alarmAt !== undefined) void this.ctx.storage.setAlarm(alarmAt);
    });
    return next;
  }

  /** Without it no alarm can be set. */
  override alarm(): void {}
}

/** What a user's inbox and a client's counter are asked. */
export class InboxObject extends DurableObject {
  count(): boolean {
    return true;
  }

  view(): object | undefined {
    return this.ctx.storage.kv.get("record");
  }

  write(): object {
    const next = record();
    this.ctx.storage.kv.put("record", next);
    return next;
  }
}

const app = new Hono<{ Bindings: Env }>();
const keys = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);

const readUser = (env: Env, user: string) =>
  env.DB.prepare("select id, name, key from users where id = ?1").bind(user).all();
const inbox = (env: Env, name: string) => env.INBOXES.get(env.INBOXES.idFromName(name));
const challenge = (env: Env, id: string) => env.CHALLENGES.get(env.CHALLENGES.idFromString(id));

app.post("/start/:user", async (c) => {
  const user = c.req.param("user");
  await c.req.json();
  await Promise.all([readUser(c.env, user), inbox(c.env, "client").count()]);
  const id = c.env.CHALLENGES.newUniqueId().toString();
  const [opened] = await Promise.all([challenge(c.env, id).open(), inbox(c.env, user).write()]);
  return c.json({ id, opened });
});

app.get("/prompt/:user", async (c) => {
  await readUser(c.env, c.req.param("user"));
  return c.json(await inbox(c.env, c.req.param("user")).view());
});

app.post("/respond/:user/:id", async (c) => {
  await c.req.json();
  await readUser(c.env, c.req.param("user"));
  await inbox(c.env, c.req.param("user")).write();
  return c.json(await challenge(c.env, c.req.param("id")).apply());
});

app.get("/redeem/:user/:id", async (c) => {
  const { user, id } = c.req.param();
  await challenge(c.env, id).apply();
  const listed = await c.env.DB.batch([
    c.env.DB.prepare("insert or ignore into grants values (?1, ?2, ?3)").bind(user, id, GRANT),
    c.env.DB.prepare("insert or ignore into events values (?1, ?2, ?3)").bind(id, user, EVENT),
  ]);
  const { privateKey } = (await keys) as CryptoKeyPair;
  const sign = () => crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, CLAIMS);
  const signed = await Promise.all([sign(), sign()]);
  c.executionCtx.waitUntil(challenge(c.env, id).mark());
  return c.json({
    listed: listed.map(({ meta }) => meta.changes),
    signed: signed.map(({ byteLength }) => byteLength),
  });
});

// biome-ignore lint/style/noDefaultExport: the platform's way in
export default app;
