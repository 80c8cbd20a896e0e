import { type Context, Hono, type MiddlewareHandler } from "hono";
import { signReceipt } from "../core/challenge/receipt.ts";
import type { Decided } from "../core/challenge/state.ts";
import { type ChallengeId, type ClientId, NOBODY } from "../core/ids.ts";
import type { Decidable } from "../core/ports/challenges.ts";
import { ANY_REALM } from "../core/ports/users.ts";
import { basicOf, clientBySecret, isBasic } from "./basic.ts";
import { type AppEnv, ipOf, services } from "./context.ts";
import { doorCors } from "./cors.ts";
import { noStore } from "./no-store.ts";
import { problem } from "./problem.ts";
import { admit, tooMany, unknown } from "./waiter-admission.ts";
import { handleOf, isNumber } from "./waiter-handle.ts";

const onlyGet: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.method === "GET") return await next();
  return problem(c, 405, { detail: "Reading a receipt is a GET.", headers: { Allow: "GET" } });
};

const SCHEMES = 'Bearer realm="receipts", Basic realm="receipts"';

const notKnown = (c: Context<AppEnv>, detail: string) =>
  problem(c, 401, { detail, headers: { "WWW-Authenticate": SCHEMES } });

/** Who reads: the waiter of this challenge, or a client that has shown its secret. */
type Reader = { readonly id: ChallengeId; readonly clientId?: ClientId };

async function readerOf(c: Context<AppEnv>): Promise<Reader | Response> {
  const header = c.req.header("Authorization");
  if (isBasic(header)) return await clientReader(c, header ?? "");
  const handle = handleOf(c);
  if (handle === undefined) return notKnown(c, "The waiter's handle or the client's secret is needed.");
  if (isNumber(handle)) {
    return notKnown(
      c,
      "An event's number shows no more than that somebody waits: ask with the client's secret.",
    );
  }
  const admitted = await admit(c, () => notKnown(c, "The handle is not this challenge's."));
  return admitted instanceof Response ? admitted : { id: admitted };
}

async function clientReader(c: Context<AppEnv>, header: string): Promise<Reader | Response> {
  const { challenges, limits } = services(c);
  const wrong = () => notKnown(c, "The client or its secret is wrong.");
  const given = basicOf(header);
  if (given === undefined) return wrong();
  const found = await clientBySecret(c, given);
  if (!found.ok) return tooMany(c);
  const client = found.value;
  if (client === undefined || client.disabledAt !== undefined) {
    return (await limits.miss(ipOf(c))) ? wrong() : tooMany(c);
  }
  const id = challenges.parse(c.req.param("id") ?? "");
  return id === undefined ? unknown(c) : { id, clientId: client.id };
}

/** A client sees its own challenges; of a waiter it is known already that this is its own. */
const isOf = ({ clientId }: Reader, { spec }: Decidable): boolean =>
  clientId === undefined || clientId === spec.clientId;

/**
 * What a waiter may read: what has given it tokens. Anybody may begin a request about anybody, so a decline would tell strangers whose
 * device it was, and a handle alone redeems nothing at a client with a secret.
 */
async function refuseWaiter(c: Context<AppEnv>, { spec, state }: Decidable): Promise<Response | undefined> {
  if (state !== "redeemed") {
    return problem(c, 403, {
      detail: "A waiter reads this once its tokens were collected; the client may read it now.",
    });
  }
  const client = await services(c).clients.find(spec.clientId);
  return client && client.disabledAt === undefined ? undefined : unknown(c);
}

/** Of a user who was deleted nothing is told any more. */
async function isGone(c: Context<AppEnv>, { userId }: Decided): Promise<boolean> {
  return userId !== NOBODY && (await services(c).users.byId(userId, ANY_REALM)) === undefined;
}

/**
 * `GET /challenges/{id}/receipt` (docs/receipts.md): the signed record of a decision. All of it for the client by its secret (HTTP Basic); for
 * whoever waited by a handle that nobody can guess, who approved what they have collected. 409 until somebody has decided.
 */
export function receiptRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const preflight = doorCors({
    origins: (c) => c.req.method === "OPTIONS",
    credentials: false,
    methods: ["GET"],
    headers: ["Authorization"],
  });
  routes.use("/challenges/:id/receipt", noStore, preflight, onlyGet);
  routes.get("/challenges/:id/receipt", async (c) => {
    const reader = await readerOf(c);
    if (reader instanceof Response) return reader;
    const found = await services(c).challenges.decision(reader.id);
    if (found === undefined || !isOf(reader, found)) return unknown(c);
    const { decided, state } = found;
    if (decided === undefined) {
      return problem(c, 409, { detail: "Nobody has decided this request.", extra: { state } });
    }
    const refusal = reader.clientId === undefined ? await refuseWaiter(c, found) : undefined;
    if (refusal) return refusal;
    if (await isGone(c, decided)) return unknown(c);
    const as = reader.clientId === undefined ? "waiter" : "client";
    return c.json({
      id: reader.id,
      state,
      decision: decided.kind,
      decided_at: new Date(decided.at).toISOString(),
      receipt: await signReceipt(services(c), found, decided, as),
    });
  });
  return routes;
}
