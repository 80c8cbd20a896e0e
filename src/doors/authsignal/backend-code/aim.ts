import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Millis } from "../../../core/time.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { weakerHoldersOf } from "../../../core/user/weaker-holders.ts";
import { type Action, type ActionContext, isOpen, mayBegin } from "../action/action.ts";
import { type Tracked, trackAction } from "../action/track.ts";
import { needsScope } from "../code/enrol.ts";
import { addressOfRow, enrolledAs } from "../code/method.ts";
import { admittedCodes, neverEnrolled } from "../enrolment/enrolled.ts";
import type { BackendCode, BackendCodeUse } from "./backend-code.ts";

export type BackendCodeAsked = Pick<BackendCode, "method" | "channel" | "mayAdd"> & {
  readonly client: Client;
  /** The action's code. */
  readonly action: string;
  readonly idempotencyKey?: string | undefined;
  /** The backend's own word for its user; without one nobody is known until the challenge is claimed. */
  readonly name?: string | undefined;
  /** Where to; without one the address that the user has enrolled. */
  readonly identifier?: ReadIdentifier | undefined;
  /** What the backend says of the asking side. */
  readonly context: Omit<ActionContext, "name">;
  readonly lifetime: Millis;
  readonly redeemWindow: Millis;
  readonly replayWindow: Millis;
  readonly by: Requester;
};

/** For whom a code is sent, and what it is good for. */
export type Aim = {
  readonly use: BackendCodeUse;
  readonly identifier: ReadIdentifier;
  readonly idempotencyKey: string;
  readonly locale: string;
  readonly user?: UserRecord;
  /** The action that the challenge is the current one of. */
  readonly action?: Action;
};

type Powers = Pick<
  Services,
  "users" | "devices" | "authenticators" | "actions" | "records" | "events" | "clock" | "chance"
>;

export const CLOSED = no({ code: "not_allowed", detail: "the action takes no challenge" } as const);

/** Finds out for whom a backend's code is sent, where to, and what it may meet. Refused: see `beginBackendCode`. */
export const aimBackendCode = async (
  powers: Powers,
  asked: BackendCodeAsked,
): Promise<Result<Aim, Refusal>> =>
  asked.name === undefined ? aimAtNobody(powers, asked) : await aimAt(powers, asked, asked.name);

function aimAtNobody(powers: Powers, asked: BackendCodeAsked): Result<Aim, Refusal> {
  const { client, action, identifier } = asked;
  if (!mayBegin(actionRule(client.settings, action))) return CLOSED;
  if (!identifier) return no({ code: "malformed", detail: "an address, or a userId who has one enrolled" });
  const idempotencyKey = asked.idempotencyKey ?? powers.chance.uuid();
  return ok({ use: "claim", identifier, idempotencyKey, locale: asked.context.locale ?? "en" });
}

async function aimAt(powers: Powers, asked: BackendCodeAsked, name: string): Promise<Result<Aim, Refusal>> {
  const { idempotencyKey, client, context, by, action: code } = asked;
  const key = idempotencyKey === undefined ? {} : { idempotencyKey };
  const found = await trackAction(powers, { client, name, code, ...key, context, names: {}, by });
  if (!found.ok) return found;
  const tracked = found.value;
  const { user, action } = tracked;
  if (user.user.status === "locked") return no({ code: "user_locked" });
  if (!isOpen(action.state)) return CLOSED;
  const chosen = await addressOf(powers, asked, tracked);
  if (!chosen.ok) return chosen;
  const { use, identifier } = chosen.value;
  const { locale } =
    context.locale === undefined
      ? await powers.authenticators.profile(user.user.id, viewOf(client))
      : context;
  const aim = { use, identifier, idempotencyKey: action.idempotencyKey, locale: locale ?? "en", user };
  // A new address proves nothing about the user, so it meets only what takes its course anyway.
  return ok(use === "meet" || action.state === "allow" ? { ...aim, action } : aim);
}

type Chosen = { readonly use: BackendCodeUse; readonly identifier: ReadIdentifier };

/** The enrolled address that is meant; or a new one, for a user who has nothing yet or may add one by the backend's word. */
async function addressOf(
  powers: Powers,
  asked: BackendCodeAsked,
  { user, action, enrolled }: Tracked,
): Promise<Result<Chosen, Refusal>> {
  const { identifier: given, method } = asked;
  const kind = enrolledAs(method);
  // What was enrolled after the action was tracked would only prove that it is the asker's.
  const own = admittedCodes(asked.client, user, enrolled.rows).filter(
    (row) => row.kind === kind && (row.verifiedAt ?? 0) <= action.createdAt,
  );
  const row = given ? own.find(({ identifier }) => identifier === given.normal) : own.at(-1);
  if (row?.identifier !== undefined) {
    const known = given ?? addressOfRow(method, row.identifier, user.identifiers);
    // One that the user gave up and another has proven since is that other's mailbox.
    if (known && !(await weakerHoldersOf(powers, asked.client, user, known, "proof")).ok) {
      return no({ code: "not_allowed", detail: "the user has no such authenticator" });
    }
    if (known) return ok({ use: "meet", identifier: known });
  }
  if (!given) return no({ code: "not_allowed", detail: "the user has no such authenticator" });
  if (needsScope(asked) || (!asked.mayAdd && !neverEnrolled(enrolled))) {
    return no({
      code: "not_allowed",
      detail: "the address is not enrolled, and scope does not say that it may be",
    });
  }
  const claimers = await weakerHoldersOf(powers, asked.client, user, given, "proof");
  return claimers.ok ? ok({ use: "enrol", identifier: given }) : claimers;
}
