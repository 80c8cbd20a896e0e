import { expect, test } from "vitest";
import { finishedEvent, grantListing } from "../../../../src/core/challenge/record.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import { deployment, newClient, newPerson } from "../../support/cotter.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();

async function family() {
  const client = await newClient(at);
  const person = await newPerson(at, client);
  const id = at.services.challenges.parse(String(person.tokens.refresh_token).split(".")[0] ?? "");
  const snapshot = id === undefined ? undefined : await at.services.challenges.read(id);
  if (!snapshot?.grant) throw new Error("no grant");
  return { person, snapshot, grant: snapshot.grant };
}

const deliver = async (body: Parameters<typeof consumeEvents>[1][number]["body"]) => {
  let acked = 0;
  const ack = () => {
    acked++;
  };
  await consumeEvents(at.services, [{ body, attempts: 1, ack, retry: () => undefined }]);
  expect(acked).toBe(1);
};

test.each(["locked", "deleted", "device removed"])(
  "a grant that was not listed when its user was %s ends when its message comes",
  async (what) => {
    const { person, snapshot, grant } = await family();
    const birth = { kind: "list_grant", grant: grantListing(grant), event: finishedEvent(snapshot) } as const;
    await at.services.records.removeGrant(grant.userId, grant.id);
    if (what === "locked")
      await at.services.users.update(mainUser(grant.userId), { status: "locked" }, Date.now());
    if (what === "deleted") await at.services.users.remove(grant.userId);
    if (what === "device removed" && grant.deviceId) {
      const event = { id: crypto.randomUUID(), at: Date.now(), type: "device.revoked", actor: "test" };
      await at.services.devices.revoke(grant.userId, grant.deviceId, event, Date.now());
    }
    await deliver(birth);
    expect(await at.services.records.grantsOfUser(person.id as never)).toEqual([]);
    expect((await at.services.challenges.read(grant.id))?.grant?.ended).toBeDefined();
  },
);
