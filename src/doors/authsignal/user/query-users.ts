import type { Context } from "hono";
import type * as z from "zod";
import { textOfBase64 } from "../../../core/base64.ts";
import type { Json, JsonObject } from "../../../core/challenge/state.ts";
import { parseUserId, type UserId } from "../../../core/ids.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { plainNumber } from "../code/addresses.ts";
import { refuse } from "../errors.ts";
import type { usersQuery } from "../schema.ts";
import { type ActionToken, readToken } from "../tokens.ts";
import { findNamedUser, nameOf } from "./find.ts";
import { queryUsers as query } from "./query.ts";
import { namesWire } from "./users.ts";

const PAGE = 50;
const LONGEST_PAGE = 100;

/**
 * §9.1 `queryUsers`: the users whose name, address, number or token this is, or all of them page by page. `lastEvaluatedUserId` is an
 * id of this service and there while more follow. A token that is not this client's, or over, is nobody's.
 */
export async function queryUsers(c: Context<AppEnv>, asked: z.output<typeof usersQuery>): Promise<Response> {
  const powers = services(c);
  const { username, email, phoneNumber: phone, lastEvaluatedUserId: last } = asked;
  const after = last === undefined ? undefined : await cursorOf(c, last);
  if (last !== undefined && after === undefined) {
    return refuse(c, { code: "malformed", detail: "lastEvaluatedUserId" });
  }
  const token = asked.token === undefined ? undefined : await ownToken(c, asked.token);
  if (asked.token !== undefined && token === undefined) return c.json({ users: [] });
  const pageBy = (number: string | undefined) =>
    query(powers, {
      client: c.get("client"),
      names: {
        ...(email === undefined ? {} : { email }),
        ...(number === undefined ? {} : { phone: number }),
        ...(username === undefined ? {} : { username }),
      },
      only: token?.userId,
      after,
      size: Math.min(asked.limit ?? PAGE, LONGEST_PAGE),
    });
  const plain = phone === undefined ? undefined : plainNumber(c, phone);
  const found = await pageBy(plain);
  // Another door may have taken the number as it was written.
  const page = found.rows.length === 0 && plain !== phone ? await pageBy(phone) : found;
  return c.json({
    users: page.rows.map((record) => ({
      userId: nameOf(c.get("client"), record),
      ...namesWire(c.get("client"), record),
    })),
    ...(page.next === undefined ? {} : { lastEvaluatedUserId: page.next }),
    ...(asked.token === undefined ? {} : { tokenPayload: payloadOf(asked.token) }),
  });
}

/** Where a page goes on: an id of this service, or a backend's own name of somebody. */
async function cursorOf(c: Context<AppEnv>, text: string): Promise<UserId | undefined> {
  return parseUserId(text) ?? (await findNamedUser(services(c), c.get("client"), text))?.user.id;
}

async function ownToken(c: Context<AppEnv>, text: string): Promise<ActionToken | undefined> {
  const read = await readToken(services(c), text);
  return read.ok && read.value.clientId === c.get("client").id ? read.value : undefined;
}

/** The payload of a token whose signature was checked. */
function payloadOf(token: string): JsonObject {
  return JSON.parse(textOfBase64(token.split(".")[1] ?? "") ?? "") as { readonly [key: string]: Json };
}
