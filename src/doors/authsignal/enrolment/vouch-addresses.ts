import type { Requester } from "../../../core/audit/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import { userSubject } from "../../../core/ids.ts";
import { DEVICE_LETTERS } from "../../../core/inbox/limits.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { ok, type Result } from "../../../core/result.ts";
import { DAY } from "../../../core/time.ts";
import type { Authenticator } from "../../../core/user/authenticator.ts";
import { reachableForm, readIdentifier } from "../../../core/user/identifier.ts";
import { removeAddress } from "../../../core/user/remove-address.ts";
import type { Identifier } from "../../../core/user/user.ts";
import { type EnrolledAddress, enrolVerifiedAddress } from "./address.ts";

type Kind = "email" | "phone";

export type Vouched = {
  readonly enrolled: readonly EnrolledAddress[];
  /** What the client had enrolled and is a way no more. */
  readonly left: readonly Authenticator[];
};

type Powers = Parameters<typeof enrolVerifiedAddress>[0] &
  Pick<Services, "records" | "deliveries" | "inboxes" | "background" | "log">;

/**
 * Brings a user's ways to meet actions to what their backend says that it has seen proven: its names of these kinds are enrolled, for this
 * client alone, and what this client had enrolled and the user is not called by any more is removed and told. The same call again finishes
 * what an outage cut. Refused: what enrolling refuses.
 */
export async function vouchAddresses(
  powers: Powers,
  asked: {
    readonly client: Client;
    readonly user: UserRecord;
    readonly kinds: readonly Kind[];
    readonly by: Requester;
  },
): Promise<Result<Vouched, Refusal>> {
  const { client, user, kinds, by } = asked;
  const enrolled: EnrolledAddress[] = [];
  for (const name of user.identifiers.filter((own) => isVouched(client, own, kinds))) {
    const identifier = readIdentifier(name.value);
    if (identifier?.kind !== name.kind) continue;
    const one = await enrolVerifiedAddress(powers, { user, identifier, client, assertedBy: "client", by });
    if (!one.ok) return one;
    enrolled.push(one.value);
  }
  const left: Authenticator[] = [];
  for (const row of enrolled.length === 0 ? [] : await leftOver(powers, asked)) {
    tellReplaced(powers, client, user, row);
    const userId = user.user.id;
    if (await removeAddress(powers, { userId, id: row.id, clientId: client.id, by })) left.push(row);
  }
  return ok({ enrolled, left });
}

const isVouched = (client: Client, own: Identifier, kinds: readonly Kind[]): boolean =>
  kinds.some((kind) => kind === own.kind) &&
  own.client === client.id &&
  own.assertedBy !== "admin" &&
  (own.verifiedAt !== undefined || own.vouchedAt !== undefined);

const KINDS = { email: "email", sms: "phone", device: undefined } as const;

async function leftOver(
  { authenticators }: Pick<Services, "authenticators">,
  {
    client,
    user,
    kinds,
  }: { readonly client: Client; readonly user: UserRecord; readonly kinds: readonly Kind[] },
): Promise<readonly Authenticator[]> {
  const names = user.identifiers.map(reachableForm);
  const rows = await authenticators.ofUser(user.user.id);
  return rows.filter(
    ({ kind, clientId, identifier, verifiedAt }) =>
      verifiedAt !== undefined &&
      clientId === client.id &&
      kinds.some((one) => one === KINDS[kind]) &&
      !names.includes(identifier),
  );
}

/**
 * Told at the address itself, which is a way no more: whoever reads there may know nothing of it. The change stands whatever becomes of the
 * letter.
 */
function tellReplaced(
  powers: Powers,
  client: Client,
  { user }: UserRecord,
  { kind, identifier }: Authenticator,
): void {
  const address = identifier === undefined ? undefined : readIdentifier(identifier);
  if (identifier === undefined || !address) return;
  powers.background(async () => {
    // A backend could else write to anybody: it needs only to call a user by their address, and then by another.
    const subject = await codeSubject(powers, client.realm, address);
    const count = { kind: `address_replaced:${client.id}`, ...DEVICE_LETTERS };
    if (!(await powers.inboxes.countTogether(subject, [count])).allowed) return;
    const handed = await powers.deliveries.send({
      id: powers.chance.text(18),
      channel: kind === "sms" ? "sms" : "email",
      to: identifier,
      template: "address_replaced",
      locale: "en",
      brand: brandOf(client),
      clientId: client.id,
      userId: user.id,
      subject: userSubject(user.id),
      expiresAt: powers.clock.now() + DAY,
    });
    if (!handed.ok) {
      powers.log("warn", "a user was not told of a replaced address", { cause: handed.error.code });
    }
  });
}
