import { DurableObject } from "cloudflare:workers";
import type { Command, RedeemOrder } from "../core/challenge/command.ts";
import { keepPace, type Pace } from "../core/challenge/pace.ts";
import type { VerifiedProof } from "../core/challenge/proof.ts";
import type { ChallengeSpec } from "../core/challenge/state.ts";
import { isSettled, viewOf } from "../core/challenge/view.ts";
import { type Presented, rotate } from "../core/grant/rotate.ts";
import type { Grant } from "../core/grant/state.ts";
import type { QueueMessage } from "../core/message/queue.ts";
import type { Applied, Collected, Decidable, Snapshot } from "../core/ports/challenges.ts";
import type { Refusal, RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import type { Instant, Millis } from "../core/time.ts";
import { openCell } from "./cell.ts";
import { alarmAfterEnd, firstAlarm, LOOK_AGAIN, nextMoment, settleRecord, unheard } from "./cleanup.ts";
import { ASKS_QR, DONE, redeemedFrame } from "./frames.ts";
import {
  birth,
  type ChallengeRecord,
  carryOut,
  decidableOf,
  endGrant,
  obey,
  settleAtBirth,
  snapshotOf,
} from "./record.ts";
import { giveFrame, isShown } from "./scan-frames.ts";
import { admit, answerClose, hangUp, openSockets, orderAt, seatsOf, tell, tellWaiters } from "./sockets.ts";

type Bindings = { readonly EVENTS: Queue<QueueMessage> };
/** Takes an ended grant from the list of its user. This room knows no database: the Worker's class brings it. */
export type Unlist = (grant: Pick<Grant, "userId" | "id">) => Promise<void>;
type After = { readonly wake?: boolean; readonly alarmAt?: Instant };

/**
 * One challenge and, once it is redeemed, its grant. Every RPC method is synchronous: no two commands interleave, and the
 * object's own clock decides. Refusals are values; what throws is an outage.
 */
export class ChallengeObject extends DurableObject<Bindings> {
  readonly #cell = openCell<ChallengeRecord>(this.ctx.storage);
  #pace: Pace | undefined;
  readonly #unlist: Unlist;

  constructor(ctx: DurableObjectState, env: Bindings, unlist: Unlist) {
    super(ctx, env);
    this.#unlist = unlist;
  }

  open(spec: ChallengeSpec): Result<Snapshot, RefusalOf<"occupied">> {
    if (this.#cell.read()) return no({ code: "occupied" });
    const record = birth(spec);
    this.#commit(record, { alarmAt: firstAlarm(record) });
    return ok(snapshotOf(record, Date.now()));
  }

  openSettled(spec: ChallengeSpec, proof: VerifiedProof, redemption?: RedeemOrder): Result<Applied, Refusal> {
    if (this.#cell.read()) return no({ code: "occupied" });
    const now = Date.now();
    const settled = settleAtBirth(spec, proof, redemption, now);
    if (!settled.ok) return settled;
    this.#commit(settled.value, { alarmAt: firstAlarm(settled.value) });
    return ok({ ...snapshotOf(settled.value, now), changed: true });
  }

  apply(command: Command): Result<Applied, Refusal> {
    const record = this.#cell.read();
    if (!record) return no({ code: "unknown_challenge" });
    const now = Date.now();
    const { next, wake, refusal } = obey(record, command, now);
    const sockets = wake ? openSockets(this.ctx) : [];
    const { last, done } = carryOut(next, sockets.flatMap(orderAt), now);
    this.#keep(record, last, now);
    for (const { socket, redeemed } of done) {
      tell(socket, [redeemedFrame(redeemed)]);
      hangUp(socket, DONE, "settled");
    }
    // Everybody else hears of the approval, whatever the orders have made of it in the same commit.
    const others = sockets.filter((socket) => !done.some((told) => told.socket === socket));
    tellWaiters(others, viewOf(next.challenge, now));
    if (refusal) return no(refusal);
    return ok({ ...snapshotOf(last, now), changed: next !== record });
  }

  /** A waiter's poll that redeems what it finds approved: reading and redeeming are one step. */
  collect(order: RedeemOrder, interval?: Millis): Collected | undefined {
    const record = this.#cell.read();
    if (!record) return undefined;
    const now = Date.now();
    const snapshot = snapshotOf(record, now);
    const { state } = snapshot.view;
    const isForeign = order.clientId !== undefined && order.clientId !== snapshot.spec.clientId;
    if (isForeign && state !== "redeemed") return { snapshot };
    if (!isSettled(state) && interval !== undefined)
      return { snapshot, ...this.#paced(record, interval, now) };
    const isSaid = snapshot.spec.subject !== undefined || order.draft.grant === undefined;
    const isReady = isSaid && (state === "approved" || state === "redeemed");
    return isReady ? { snapshot, redeemed: this.apply({ name: "redeem", ...order }) } : { snapshot };
  }

  /** Only a distance that grew is written: a steady poll costs no row, and an object that was put to sleep forgives one. */
  #paced(record: ChallengeRecord, interval: Millis, now: Instant): Pick<Collected, "slower"> {
    const known = this.#pace ?? record.pace;
    const { next, slower } = keepPace(known, interval, now);
    this.#pace = next;
    if (next.interval !== known?.interval && slower !== undefined) this.#commit({ ...record, pace: next });
    return slower === undefined ? {} : { slower };
  }

  read(): Snapshot | undefined {
    const record = this.#cell.read();
    return record && snapshotOf(record, Date.now());
  }

  decision(): Decidable | undefined {
    const record = this.#cell.read();
    return record && decidableOf(record, Date.now());
  }

  refresh(
    presented: Presented,
  ): Result<Grant, RefusalOf<"refresh_reused" | "grant_ended" | "unknown_grant">> {
    const record = this.#cell.read();
    if (!record?.grant) return no({ code: "unknown_grant" });
    const now = Date.now();
    const { next, result } = rotate(record.grant, presented, now);
    this.#keep(record, next === record.grant ? record : { ...record, grant: next }, now);
    return result;
  }

  revoke(reason: string): Grant | undefined {
    const record = this.#cell.read();
    if (!record) return undefined;
    const now = Date.now();
    const next = endGrant(record, reason, now);
    this.#keep(record, next, now);
    return next === record ? undefined : next.grant;
  }

  /** D1 has what there is to hear, so the first alarm has nothing to do any more: it is moved to the next moment. */
  markListed(): void {
    const record = this.#cell.read();
    if (!record || record.listed) return;
    // What went through the queue had its first alarm.
    const alarmAt = record.queued ? undefined : nextMoment(record, Date.now());
    this.#commit({ ...record, listed: true }, alarmAt === undefined ? {} : { alarmAt });
  }

  /** A grant counts as listed only once D1 has taken it: until then each refresh asks D1. An audit row is the queue's to deliver. */
  #noteSent({ kind }: QueueMessage): void {
    const record = this.#cell.read();
    if (!record || record.listed) return;
    this.#commit({ ...record, ...(kind === "list_grant" ? { queued: true } : { listed: true }) });
  }

  /** The upgrade of a waiter, and nothing else: accepted and told the present view in the same turn. */
  override fetch(request: Request): Response {
    const record = this.#cell.read();
    if (!record) return new Response(null, { status: 404 });
    const { answer, socket } = admit(this.ctx, request, seatsOf(request));
    tellWaiters([socket], viewOf(record.challenge, Date.now()));
    return answer;
  }

  /** A waiting screen may ask for its QR code's value, while there is something to scan; waiters have nothing else to say. */
  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (message !== ASKS_QR) return;
    const record = this.#cell.read();
    const now = Date.now();
    if (record && viewOf(record.challenge, now).state === "pending") giveFrame(this.ctx, socket, now);
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    answerClose(socket, code);
  }

  scanned(value: string): Snapshot | undefined {
    const record = this.#cell.read();
    const now = Date.now();
    if (!record || viewOf(record.challenge, now).state !== "pending") return undefined;
    return isShown(this.ctx, value, now) ? snapshotOf(record, now) : undefined;
  }

  /** The broom: never the judge, may ring late or twice, and looks again later when something fails. */
  override async alarm(): Promise<void> {
    try {
      await this.#sweep();
    } catch {
      await this.ctx.storage.setAlarm(Date.now() + LOOK_AGAIN);
    }
  }

  async #sweep(): Promise<void> {
    const found = this.#cell.read();
    if (!found) return this.#cell.forget();
    const settled = settleRecord(found, Date.now());
    if (settled !== found) this.#commit(settled, { wake: true });
    const message = unheard(settled, Date.now());
    if (message) {
      await this.env.EVENTS.send(message);
      this.#noteSent(message);
    }
    const record = this.#cell.read() ?? settled;
    const at = nextMoment(record, Date.now());
    if (at !== undefined) return this.ctx.storage.setAlarm(at);
    // Said here and not by the queue, whose three operations cost more than all that is done for it.
    if (record.grant) await this.#unlist(record.grant);
    return this.#cell.forget();
  }

  /** Commits what changed; the alarm is moved once, when a grant has ended before its time. */
  #keep(record: ChallengeRecord, next: ChallengeRecord, now: Instant): void {
    if (next === record) return;
    const endedNow = next.grant?.ended !== undefined && record.grant?.ended === undefined;
    this.#commit(next, endedNow ? { alarmAt: alarmAfterEnd(next, now) } : {});
  }

  #commit(next: ChallengeRecord, { wake = false, alarmAt }: After = {}): void {
    this.#cell.write(next, () => {
      if (alarmAt !== undefined) void this.ctx.storage.setAlarm(alarmAt);
      return undefined;
    });
    if (wake) tellWaiters(openSockets(this.ctx), viewOf(next.challenge, Date.now()));
  }
}
