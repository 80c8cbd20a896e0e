import { auditEvent } from "../../../../src/core/audit/record.ts";
import { authenticatorIdOf } from "../../../../src/doors/authsignal/enrolment/standing-address.ts";
import { operator } from "../acts.ts";
import { newKey, newTenant, type Phone, type Tenant } from "../authsignal.ts";
import { fresh } from "../cotter.ts";
import { always, email, put, read, shared } from "./flow.ts";

const { services } = operator;
const SETTINGS = { starts_per_minute: 0, code_sends_per_hour: 100_000 };
const bank = shared(() => newTenant(operator, SETTINGS));

export const named = (tenant: Tenant, name: string) =>
  ({ externalId: name, assertedBy: "client", client: tenant.id, identifiers: [] }) as const;

/** Somebody with one phone in this namespace. */
export async function withPhone(kind: string, apart: boolean) {
  const [tenant, key] = await Promise.all([bank(apart), newKey()]);
  const user = fresh("u");
  const id = await put(named(tenant, user), {
    door: "authsignal",
    kind,
    clientId: tenant.id,
    text: key.text,
  });
  return { tenant, user, phone: { key, namespace: kind, tenant } satisfies Phone, who: always(id) };
}

export const verifyPath = (method: string) => `/v1/client/verify/${method}`;

/** Somebody whose address the backend has vouched for, or who has none. */
export async function withAddress(isEnrolled: boolean, apart: boolean) {
  const tenant = await bank(apart);
  const [user, address] = [fresh("u"), email()];
  const identifier = read(address);
  const now = Date.now();
  const vouched = { ...identifier, assertedBy: "client", client: tenant.id, vouchedAt: now } as const;
  const userId = await put({ ...named(tenant, user), identifiers: isEnrolled ? [vouched] : [] });
  if (isEnrolled) {
    const id = await authenticatorIdOf(services, { settings: SETTINGS }, userId, identifier);
    const times = { createdAt: now, verifiedAt: now };
    const row = {
      userId,
      id,
      kind: "email",
      identifier: identifier.normal,
      clientId: tenant.id,
      ...times,
    } as const;
    const event = auditEvent(services, {
      type: "authenticator.enrolled",
      actor: `client:${tenant.id}`,
      userId,
    });
    const enrolled = await services.authenticators.enrol(row, event, tenant.id);
    if (!enrolled.ok) throw new Error(enrolled.error.code);
  }
  return { tenant, user, address, who: always(userId) };
}
