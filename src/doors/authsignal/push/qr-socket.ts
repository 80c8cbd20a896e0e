import type { Context } from "hono";
import { REPLACED, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import type { PhaseName } from "../../../core/challenge/state.ts";
import { isSettled } from "../../../core/challenge/view.ts";
import { allowsOrigin } from "../../../core/client/client.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { MINUTE, type Millis } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { orderOf } from "../action/collect.ts";
import { clientNamed, type Sender, tokenOf } from "../client.ts";
import { refuse } from "../errors.ts";
import { socketMessage } from "../schema.ts";
import { iso } from "../translate.ts";
import { openAction, startQr } from "./qr.ts";
import { makeTeller, tell, UNAUTHORIZED } from "./qr-teller.ts";

const PROTOCOL = "authsignal-ws";
const TOKEN = "x.authsignal.token.";
const TENANT = "x.authsignal.tenant.";

/** There is no error message on this wire: a socket that cannot be served is closed (§8.1). */
const CLOSE = { malformed: 4400, unauthorized: UNAUTHORIZED, tooMany: 4429, fault: 1011 } as const;
const LONGEST_MESSAGE = 32_768;
/** How long a socket may stay on which nothing is under way. */
const IDLE: Millis = MINUTE;

/**
 * §8.1: QR challenges over a WebSocket. The sender is among the offered sub-protocols, of which `authsignal-ws` alone is selected; the
 * accessToken goes to the socket that created the challenge and to nobody else.
 */
export async function qrSocket(c: Context<AppEnv>): Promise<Response> {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") {
    return refuse(c, { code: "malformed", detail: "this address takes a WebSocket" });
  }
  const offered = (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((text) => text.trim());
  const part = (prefix: string) => offered.find((text) => text.startsWith(prefix))?.slice(prefix.length);
  if (!offered.includes(PROTOCOL)) return refuse(c, { code: "malformed", detail: "sub-protocol" });
  const token = part(TOKEN);
  const { config, limits } = services(c);
  if (!(await limits.wait(originOf(c).ip))) {
    return refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });
  }
  const sender = token === undefined ? await clientNamed(c, part(TENANT)) : await tokenOf(c, token);
  if (!sender.ok) return refuse(c, sender.error);
  const { client } = c.var;
  const origin = c.req.header("Origin");
  if (origin !== undefined && origin !== config.issuer && !allowsOrigin(client, origin)) {
    return refuse(c, { code: "unknown_client" });
  }
  // The SDK hears that an upgrade was refused, but waits for ever on a socket that is closed instead of answered.
  const action =
    "token" in sender.value ? await openAction(services(c), client, sender.value.token) : undefined;
  if (action && !action.ok) return refuse(c, action.error);
  const { 0: theirs, 1: ours } = new WebSocketPair();
  serve(c, ours, "token" in sender.value ? sender.value : { client });
  ours.accept();
  const headers = { "Sec-WebSocket-Protocol": PROTOCOL };
  return new Response(null, { status: 101, webSocket: theirs, headers });
}

type Live = { readonly snapshot: Snapshot; readonly line: { stop(): void } };

function serve(c: Context<AppEnv>, socket: WebSocket, sender: Sender): void {
  let live: Live | undefined;
  const idle = makeIdle(() => hangUp(socket, 1000));
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): void => {
    turn = turn.then(work).catch((cause: unknown) => {
      services(c).log("warn", "a QR socket could not be served", { cause });
      hangUp(socket, CLOSE.fault);
    });
  };
  socket.addEventListener("message", ({ data }) =>
    inTurn(async () => {
      idle.end();
      live = (await create(c, socket, sender, data, { before: live, settled: idle.begin })) ?? live;
    }),
  );
  socket.addEventListener("close", ({ code }) => {
    idle.end();
    inTurn(async () => live?.line.stop());
    // The other half of the handshake: 1005 and 1006 must not be sent.
    hangUp(socket, code === 1005 || code === 1006 ? 1000 : code);
  });
}

/** Ends a socket on which nothing is under way: it was opened and asks for nothing, or its challenge is over (T51). */
function makeIdle(end: () => void): { begin(): void; end(): void } {
  let stop = () => {};
  const begin = () => {
    stop();
    const timer = setTimeout(end, IDLE);
    stop = () => clearTimeout(timer);
  };
  begin();
  return { begin, end: () => stop() };
}

type Around = {
  readonly before: Live | undefined;
  /** Called once the new challenge is over. */
  readonly settled: () => void;
};

/** One CREATE_CHALLENGE. The challenge before it ends unless somebody has claimed it: one code at a time is good (T96). */
async function create(
  c: Context<AppEnv>,
  socket: WebSocket,
  sender: Sender,
  data: unknown,
  { before, settled }: Around,
): Promise<Live | undefined> {
  const asked = readMessage(data);
  if (!asked) return void hangUp(socket, CLOSE.malformed);
  const { actionCode: action, custom } = asked.data;
  // A socket may stand for long: its client may have been disabled, or set otherwise, since it was opened.
  const present = await clientNamed(c, sender.client.id);
  if (!present.ok) return void hangUp(socket, codeOf(present.error));
  const client = present.value;
  const started = await startQr(c, { ...sender, client }, { action, custom });
  if (!started.ok) return void hangUp(socket, codeOf(started.error));
  before?.line.stop();
  const powers = services(c);
  const earlier = before && (await powers.challenges.read(before.snapshot.spec.id));
  if (earlier?.view.state === "pending") await withdrawChallenge(powers, earlier, REPLACED);
  const { id, claimBy, expiresAt } = started.value.spec;
  tell(socket, "CHALLENGE_CREATED", {
    challengeId: id,
    challengeType: "QR_CODE",
    expiresAt: iso(claimBy ?? expiresAt),
    state: "unclaimed",
  });
  const order = await orderOf(c, client, id);
  const changed = makeTeller(c, socket, client, started.value);
  const lost = (cause?: unknown) => {
    powers.log("warn", "a QR socket could not be told", { challengeId: id, cause });
    hangUp(socket, CLOSE.fault);
  };
  const heard = (state: PhaseName, redeemed?: Applied) => {
    if (isSettled(state)) settled();
    changed(state, redeemed).catch(lost);
  };
  const line = await powers.challenges.follow(id, order, heard, lost);
  return { snapshot: started.value, line };
}

function readMessage(data: unknown) {
  if (typeof data !== "string" || data.length > LONGEST_MESSAGE) return undefined;
  try {
    return socketMessage.safeParse(JSON.parse(data)).data;
  } catch {
    return undefined;
  }
}

const NOT_LET_IN: ReadonlySet<Refusal["code"]> = new Set([
  "token_expired",
  "bad_token",
  "unknown_client",
  "client_disabled",
]);

function codeOf(refusal: Refusal): number {
  if (refusal.code === "too_many") return CLOSE.tooMany;
  return NOT_LET_IN.has(refusal.code) ? CLOSE.unauthorized : CLOSE.malformed;
}

function hangUp(socket: WebSocket, code: number): void {
  try {
    socket.close(code);
  } catch {
    // Closed already.
  }
}
