import fc from "fast-check";
import type { Command, CommandName, GrantDraft, RedeemDraft } from "../../src/core/challenge/command.ts";
import type { Moved } from "../../src/core/challenge/moved.ts";
import type { ProofClaims, VerifiedProof } from "../../src/core/challenge/proof.ts";
import type { Challenge, ChallengeSpec, DecisionKind } from "../../src/core/challenge/state.ts";
import { born, transition } from "../../src/core/challenge/transition.ts";
import type { ChallengeId, ClientId, DeviceId, GrantId, UserId } from "../../src/core/ids.ts";
import type { Refusal } from "../../src/core/refusal.ts";
import type { Result } from "../../src/core/result.ts";
import type { Instant, Millis } from "../../src/core/time.ts";

/** Every generated challenge is born at this instant, so that a replay can set its clock to it. */
export const BIRTH: Instant = 1_900_000_000_000;

const uuid = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`;

/** Few names, so that actors meet. No user's or device's name is part of any other value. */
export const USERS = [uuid("a"), uuid("b")] as unknown as readonly [UserId, UserId];
export const DEVICES = [uuid("1"), uuid("2"), uuid("3")] as unknown as readonly [
  DeviceId,
  DeviceId,
  DeviceId,
];
export const CLIENTS = ["shop", "bank", "news"] as unknown as readonly [ClientId, ClientId, ClientId];
export const CHALLENGE_ID = "c0ffee".padEnd(64, "0") as ChallengeId;

const SESSIONS = ["5e55".padEnd(64, "0"), "5e55".padEnd(64, "1")] as unknown as readonly [GrantId, GrantId];

/** Stands for the proof module in tests of the machine: the claims count as checked. */
export const proven = (claims: ProofClaims): VerifiedProof => claims as VerifiedProof;

const ips = fc.option(fc.constantFrom("192.0.2.1", "2001:db8::7"), { nil: undefined });
const ipOf = (ip: string | undefined) => (ip === undefined ? {} : { ip });

/** One of a few, the first far more often than the rest: most actors are the right one, so that stories get somewhere. */
const mostly = <T>(first: T, ...rest: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { arbitrary: fc.constant(first), weight: 4 * rest.length },
    { arbitrary: fc.constantFrom(...rest), weight: rest.length },
  );

const lifetimes: fc.Arbitrary<Millis> = mostly(200_000, 1, 2, 1_000, 60_000);
const windows: fc.Arbitrary<Millis> = mostly(60_000, 30_000, 1_000, 1, 0);
const users = mostly(...USERS);
const devices = mostly(...DEVICES);
const clients = mostly(...CLIENTS);

/** What a challenge may be born with. A replay against a real object puts that object's id in. */
export const specs: fc.Arbitrary<ChallengeSpec> = fc
  .record({
    door: fc.constantFrom("oauth", "cotter", "loginid", "authsignal", "approver", "page"),
    clientId: mostly(...CLIENTS),
    approvers: fc.option(fc.constantFrom("own" as const, "realm" as const, [], CLIENTS.slice(1)), {
      nil: undefined,
    }),
    purpose: fc.constantFrom("sign_in", "enrol_device", "verify_identifier", "pay rent"),
    userId: fc.option(users, { nil: undefined }),
    bindingMessage: fc.option(fc.string({ unit: "grapheme", maxLength: 20 }), { nil: undefined }),
    requiresClaim: mostly(false, true),
    context: fc.dictionary(
      fc.stringMatching(/^[a-z]{1,6}$/),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      { maxKeys: 3, noNullPrototype: true },
    ),
    ip: ips,
    lifetime: lifetimes,
    claimWithin: fc.option(windows, { nil: undefined }),
    redeemWindow: windows,
    replayWindow: windows,
  })
  .map(({ userId, approvers, bindingMessage, ip, lifetime, claimWithin, ...rest }) => ({
    ...rest,
    id: CHALLENGE_ID,
    scope: "openid",
    nonce: "n-0S6",
    origin: ipOf(ip),
    createdAt: BIRTH,
    expiresAt: BIRTH + lifetime,
    ...(claimWithin !== undefined && claimWithin < lifetime ? { claimBy: BIRTH + claimWithin } : {}),
    ...(userId === undefined ? {} : { userId }),
    ...(approvers === undefined ? {} : { approvers }),
    ...(bindingMessage === undefined ? {} : { bindingMessage }),
  }));

const digests = fc.constantFrom("digest-1", "digest-2", "digest-3");
const amrs = fc.constantFrom<readonly string[]>(["hwk"], ["hwk", "user"], ["otp"]);

/** Proofs by each kind of approver; the decision inside is the asked one but for one in sixteen. */
export function proofs(asked: DecisionKind): fc.Arbitrary<VerifiedProof> {
  const other: DecisionKind = asked === "approve" ? "deny" : "approve";
  const common = {
    userId: users,
    decision: fc.oneof(
      { arbitrary: fc.constant(asked), weight: 15 },
      { arbitrary: fc.constant(other), weight: 1 },
    ),
    digest: digests,
    amr: amrs,
  };
  const device: fc.Arbitrary<ProofClaims> = fc.record({
    ...common,
    kind: fc.constant("device" as const),
    deviceId: devices,
    clientId: clients,
    enrolledAt: mostly(BIRTH - 1, BIRTH - 86_400_000, BIRTH, BIRTH + 1),
  });
  const code: fc.Arbitrary<ProofClaims> = fc.record({
    ...common,
    kind: fc.constant("code" as const),
    identifierId: fc.constantFrom("identifier-1", "identifier-2"),
  });
  const client: fc.Arbitrary<ProofClaims> = fc.record({
    ...common,
    kind: fc.constant("client" as const),
    clientId: fc.constantFrom(...CLIENTS),
  });
  const first: fc.Arbitrary<ProofClaims> = fc.record({
    ...common,
    kind: fc.constant("firstEnrolment" as const),
    deviceId: devices,
    decision: fc.constant("approve" as const),
  });
  const session: fc.Arbitrary<ProofClaims> = fc.record({
    ...common,
    kind: fc.constant("session" as const),
    sessionId: fc.constantFrom(...SESSIONS),
    provenAt: fc.constant(BIRTH - 1_000),
  });
  return fc
    .oneof(
      { arbitrary: session, weight: 2 },
      { arbitrary: device, weight: 5 },
      { arbitrary: code, weight: 1 },
      { arbitrary: client, weight: 1 },
      { arbitrary: first, weight: 1 },
    )
    .map(proven);
}

export const grantDrafts: fc.Arbitrary<GrantDraft> = fc
  .record({
    salt: fc.constantFrom("salt-1", "salt-2"),
    keyVersion: fc.constantFrom(1, 2),
    lifetime: fc.constantFrom(1, 60_000, 2_592_000_000),
    jkt: fc.option(fc.constant("thumbprint-1"), { nil: undefined }),
  })
  .map(({ jkt, ...rest }) => ({ ...rest, subject: { sub: "s" }, ...(jkt === undefined ? {} : { jkt }) }));

const drafts: fc.Arbitrary<RedeemDraft> = fc
  .record({
    jti: fc.uuid(),
    idJti: fc.uuid(),
    kid: fc.constantFrom("kid-1", "kid-2"),
    accessSeconds: fc.constantFrom(60, 3_600),
    idSeconds: fc.constantFrom(60, 3_600),
    grant: fc.option(grantDrafts, { nil: undefined, freq: 3 }),
  })
  .map(({ grant, ...rest }) => ({ ...rest, ...(grant === undefined ? {} : { grant }) }));

const promptings = fc
  .option(fc.constantFrom(BIRTH, BIRTH + 1), { nil: undefined })
  .map((promptedAt) => (promptedAt === undefined ? {} : { promptedAt }));

/** Commands of one name, by any actor. */
export const commandsOf: {
  readonly [Name in CommandName]: fc.Arbitrary<Extract<Command, { name: Name }>>;
} = {
  claim: fc.oneof(
    {
      arbitrary: fc
        .tuple(devices, users, clients, mostly(BIRTH - 1, BIRTH, BIRTH + 1), ips)
        .map(([deviceId, userId, clientId, enrolledAt, ip]) => ({
          name: "claim" as const,
          deviceId,
          userId,
          clientId,
          enrolledAt,
          ...ipOf(ip),
        })),
      weight: 3,
    },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(...SESSIONS), users, ips)
        .map(([sessionId, userId, ip]) => ({ name: "claim" as const, sessionId, userId, ...ipOf(ip) })),
      weight: 1,
    },
  ),
  approve: fc
    .tuple(proofs("approve"), promptings, ips)
    .map(([proof, prompted, ip]) => ({ name: "approve", proof, ...prompted, ...ipOf(ip) })),
  deny: fc
    .tuple(proofs("deny"), promptings, ips)
    .map(([proof, prompted, ip]) => ({ name: "deny", proof, ...prompted, ...ipOf(ip) })),
  cancel: fc
    .tuple(fc.constantFrom("client:shop", "admin", "system"), ips)
    .map(([by, ip]) => ({ name: "cancel", by, ...ipOf(ip) })),
  redeem: fc
    .tuple(mostly("waiter-1", "waiter-2"), drafts, ips)
    .map(([waiterProof, draft, ip]) => ({ name: "redeem", waiterProof, draft, ...ipOf(ip) })),
  expire: fc.constant({ name: "expire" }),
};

/** Any command; the ones that lead to a redemption more often. */
export const commands: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: commandsOf.claim, weight: 4 },
  { arbitrary: commandsOf.approve, weight: 10 },
  { arbitrary: commandsOf.deny, weight: 1 },
  { arbitrary: commandsOf.cancel, weight: 1 },
  { arbitrary: commandsOf.redeem, weight: 10 },
  { arbitrary: commandsOf.expire, weight: 1 },
);

/** A command and how long after the one before it comes. Delays like to sit on the edges of the windows above. */
export type Timed<T> = { readonly after: Millis; readonly command: T };

export const delays: fc.Arbitrary<Millis> = fc.oneof(
  { arbitrary: fc.constantFrom(0, 1), weight: 12 },
  { arbitrary: fc.constantFrom(998, 999, 1_000, 29_999, 30_000, 30_001, 59_999, 60_000), weight: 3 },
  { arbitrary: fc.nat({ max: 250_000 }), weight: 1 },
);

/** Commands of several actors in any order, with the clock moving between them. */
export const timed = <T>(arbitrary: fc.Arbitrary<T>, maxLength = 16): fc.Arbitrary<readonly Timed<T>[]> =>
  fc.array(fc.record({ after: delays, command: arbitrary }), { minLength: 1, maxLength, size: "max" });

export const sequences: fc.Arbitrary<readonly Timed<Command>[]> = timed(commands);

/** What one command did in the pure machine: the state before and after it, and its answer. */
export type Ran = {
  readonly command: Command;
  readonly now: Instant;
  readonly before: Challenge;
  readonly result: Result<Moved, Refusal>;
  /** Unchanged when the command was refused. */
  readonly after: Challenge;
};

/** Runs the commands through the pure machine, from the birth of the challenge on. */
export function run(spec: ChallengeSpec, sequence: readonly Timed<Command>[]): readonly Ran[] {
  const ran: Ran[] = [];
  let before = born(spec);
  let now = spec.createdAt;
  for (const { after: delay, command } of sequence) {
    now += delay;
    const result = transition(before, command, now);
    const after = result.ok ? result.value.next : before;
    ran.push({ command, now, before, result, after });
    before = after;
  }
  return ran;
}
