import { toBase64Url } from "../../core/base64.ts";
import type { JsonObject } from "../../core/challenge/state.ts";
import type { Prompt, Subscription } from "../../core/inbox/state.ts";
import { serviceOf } from "../../core/inbox/subscriptions.ts";
import type { ExportCursor, PersonExport } from "../../core/user/personal-data.ts";
import { userWire } from "./translate.ts";

/** Columns that hold an instant: `at`, `created_at`, `ended_at`, … */
const INSTANT = /^(?:.*_)?at$/;

/** A row by the names of its columns, its instants in ISO 8601. */
const rowWire = (row: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      INSTANT.test(name) && typeof value === "number" ? new Date(value).toISOString() : value,
    ]),
  );

const promptWire = ({
  challengeId,
  clientId,
  purpose,
  origin,
  context,
  startedAt,
  expiresAt,
  status,
}: Prompt) => ({
  challenge_id: challengeId,
  client_id: clientId,
  purpose,
  origin,
  context,
  started_at: new Date(startedAt).toISOString(),
  expires_at: new Date(expiresAt).toISOString(),
  status: status.name,
});

/** The push service, and not the address there: whoever has that and the keys can wake the device. */
const subscriptionWire = ({ device, target, at }: Subscription) => ({
  device_id: device,
  service: serviceOf(target),
  subscribed_at: new Date(at).toISOString(),
});

const cursorWire = (cursor: ExportCursor): string =>
  toBase64Url(new TextEncoder().encode(JSON.stringify(cursor)));

/** One page of what is held about a user; `user`, `prompts` and `push_subscriptions` are in the first one alone. */
export const exportWire = ({ person, lists, next }: PersonExport) => ({
  ...(person && {
    user: person.user === undefined ? null : userWire(person.user),
    prompts: person.prompts.map(promptWire),
    push_subscriptions: person.subscriptions.map(subscriptionWire),
  }),
  ...Object.fromEntries(Object.entries(lists).map(([list, rows]) => [list, rows.map(rowWire)])),
  next: next === undefined ? null : cursorWire(next),
});
