import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { needsScope } from "../code/enrol.ts";
import { type EnrolledAddress, enrolVerifiedAddress } from "../enrolment/address.ts";
import { authenticatorIdOf, standingAddress } from "../enrolment/standing-address.ts";
import type { BackendChallenge } from "./read.ts";

type Powers = Pick<Services, "users" | "authenticators" | "handles" | "clock" | "chance" | "events">;

/**
 * Enrols the address of a code that came back, if it was sent for that, before anything says so. Without the backend's word only a user
 * who has nothing else enrolled may begin: asked again in the statement that writes it. A code for an enrolled address is noted there.
 * Refused: `not_allowed`, `user_exists` for what is another user's by now, `unknown_challenge` when what it had enrolled was removed
 * since.
 */
export async function enrolBackendCode(
  powers: Powers,
  asked: {
    readonly client: Client;
    readonly user: UserRecord;
    readonly awaited: BackendChallenge;
    readonly by: Requester;
  },
): Promise<Result<EnrolledAddress | undefined, Refusal>> {
  const { client, user, by } = asked;
  const { snapshot, code } = asked.awaited;
  const { identifier, mayAdd } = code;
  if (code.use !== "enrol") {
    const id = await authenticatorIdOf(powers, client, user.user.id, identifier);
    await powers.authenticators.touch(user.user.id, id, powers.clock.now());
    return ok(undefined);
  }
  if (snapshot.view.approval) {
    const authenticator = await standingAddress(powers, user.user.id, identifier, client);
    return authenticator ? ok({ user, authenticator, isNew: false }) : no({ code: "unknown_challenge" });
  }
  if (needsScope({ client, mayAdd })) return no({ code: "not_allowed", detail: "the scope is missing" });
  const given = { user, identifier, client, assertedBy: "proof", by } as const;
  const enrolled = await enrolVerifiedAddress(powers, { ...given, onlyFirst: !mayAdd });
  return enrolled.ok || enrolled.error.code !== "enrolment_closed"
    ? enrolled
    : no({ code: "not_allowed", detail: "the user has another authenticator by now" });
}
