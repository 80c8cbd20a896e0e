import { expect, test } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { revokeRefreshToken } from "../../../../src/core/grant/refresh.ts";
import type { UserId } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { deployment, type Json, newClient, newPerson, refresh } from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";

test("T89 D1 fails while somebody signs out: the session is over, and the queue brings its row", async () => {
  const fault = { down: false };
  const sent: QueueMessage[] = [];
  const at = deployment({}, ({ records, events }) => ({
    records: {
      ...records,
      async removeGrant(...given) {
        if (fault.down) throw new Outage("the database cannot be used now");
        await records.removeGrant(...given);
      },
    },
    events: { ...events, send: async (message) => void sent.push(message) },
  }));
  const id = await newClient(at);
  const person = await newPerson(at, id);
  const { body } = await signInByPhone(at, id, person);
  const token = String((body.oauth_token as Json).refresh_token);
  const client = (await at.services.clients.find(id))!;
  const signOut = () => revokeRefreshToken(at.services, client, token);
  const grantId = at.services.challenges.parse(token.split(".")[0] ?? "")!;
  const isListed = async () => (await at.services.records.grant(person.id as UserId, grantId)) !== undefined;
  expect(await isListed()).toBe(true);
  sent.length = 0;
  fault.down = true;
  await signOut();
  fault.down = false;
  expect((await refresh(at, id, token)).status).toBe(400);
  const rows = () =>
    at.services.records.events({ userId: person.id as UserId, type: "grant.revoked", size: 5 });
  expect(await rows()).toEqual([]);
  await consumeEvents(
    at.services,
    sent.map((body) => ({ body, attempts: 1, ack: () => {}, retry: () => {} })),
  );
  expect(await rows()).toHaveLength(1);
  expect(await isListed()).toBe(false);
  // And once more: nothing is left to say.
  await signOut();
  expect(await rows()).toHaveLength(1);
});
