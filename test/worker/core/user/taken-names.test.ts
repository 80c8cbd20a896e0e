import { describe, expect, test } from "vitest";
import type { UserId } from "../../../../src/core/ids.ts";
import { ANY_REALM } from "../../../../src/core/ports/users.ts";
import { admin, operator } from "../../support/acts.ts";
import { bearer, newTenant, track } from "../../support/authsignal.ts";
import { fresh, type Json, newClient, newPhone, refresh } from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";
import { type Stage, stage } from "../../support/in-flight.ts";
import { newPageClient, verified } from "../../support/page.ts";

const email = () => `${fresh("jo")}@example.com`;
const { users, records } = operator.services;

/** The point of a run that ends so. */
function pointOf({ points }: Stage, end: string): string {
  const found = points.filter(({ name }) => name.endsWith(end)).at(-1);
  if (!found) throw new Error(`no ${end} in ${points.map(({ name }) => name).join(", ")}`);
  return found.name;
}

/** Who claims an address by an anonymous call, with a phone that can sign in; `name` is what stays theirs. */
async function claims(identifier: string, name?: string) {
  const client = await newClient(operator);
  const phone = await newPhone();
  const headers = { API_KEY_ID: client };
  const names = { identifier, ...(name === undefined ? {} : { client_user_id: name }) };
  const made = await operator.call("POST", "/api/v0/user/create", names, headers);
  const id = String(made.body.ID);
  const device = { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: "ED25519" };
  const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
  const enrolled = await operator.call("PUT", path, device, headers);
  expect([made.status, enrolled.status]).toEqual([200, 200]);
  const tokens = enrolled.body.oauth_token as Json;
  return { client, id: id as UserId, person: { id, identifier: "", phone }, token: tokens.refresh_token };
}
type Claimer = Awaited<ReturnType<typeof claims>>;

const proves = (at: Stage, client: Awaited<ReturnType<typeof newPageClient>>, address: string) =>
  verified(at, client, address);

describe("T207 who claims an address in the moment of its owner's proof", () => {
  test.each([
    ["nothing else", undefined],
    ["another name", fresh("name")],
  ])("T207 has no session behind it, when they have %s", async (_, name) => {
    const dry = stage();
    const client = await newPageClient(dry);
    await proves(dry, client, email());
    const at = stage();
    const address = email();
    let claimer: Claimer | undefined;
    at.at(pointOf(dry, "users.insert 1 before"), async () => {
      claimer = await claims(address, name);
    });
    await proves(at, client, address);
    const { client: own, id, token } = claimer as unknown as Claimer;
    expect((await refresh(operator, own, token)).status).toBe(400);
    expect(await records.grantsOfUser(id)).toEqual([]);
    const left = await users.byId(id, ANY_REALM);
    expect(left?.identifiers ?? []).toEqual([]);
    expect(left?.user.externalId).toBe(name);
  });

  test("T207 a claimer's sign-in that is under way then is not listed behind it", async () => {
    const client = await newPageClient(stage());
    const address = email();
    const claimer = await claims(address, fresh("name"));
    const at = stage();
    at.at("1: challenges.openSettled 1 after", async () => void (await proves(stage(), client, address)));
    const answer = await signInByPhone(at, claimer.client, claimer.person);
    expect(at.acted()).toBe(true);
    const token = (answer.body.oauth_token as Json | undefined)?.refresh_token;
    if (token !== undefined) expect((await refresh(operator, claimer.client, token)).status).toBe(400);
    expect(await records.grantsOfUser(claimer.id)).toEqual([]);
  });

  test("T207 an address that is enrolled by its code: who claims it meanwhile is signed out by the queue", async () => {
    const tenant = await newTenant(operator);
    const enrols = async (at: Stage, address: string) => {
      const scope = { scope: "add:authenticators" };
      const { token } = (await track(at, tenant, fresh("ada"), "add", scope)).body;
      const path = "/v1/client/user-authenticators/email-otp";
      expect((await at.call("POST", path, { email: address }, bearer(token))).status).toBe(200);
      const code = { verificationCode: at.last().code };
      const done = await at.call("POST", "/v1/client/verify/email-otp", code, bearer(token));
      expect(done.body).toMatchObject({ isVerified: true });
    };
    const dry = stage();
    await enrols(dry, email());
    const at = stage();
    const address = email();
    let claimer: Claimer | undefined;
    at.at(pointOf(dry, "users.update 1 before"), async () => {
      claimer = await claims(address, fresh("name"));
    });
    await enrols(at, address);
    const { id } = claimer as unknown as Claimer;
    expect(at.queued).toMatchObject([{ kind: "revoke_grants", userId: id }]);
    expect((await users.byId(id, ANY_REALM))?.user.endedAt).toBeDefined();
  });

  test.each(["POST", "PATCH"])(
    "T207 the operator's word that it is proven signs claimers out: %s",
    async (method) => {
      const address = email();
      const claimer = await claims(address, fresh("name"));
      const user = (await admin("POST", "/users", { username: fresh("ada") })).body;
      const path = method === "POST" ? "/admin/users" : `/admin/users/${user.user_id}`;
      const at = stage();
      const headers = { Authorization: "Bearer dev-admin-token" };
      const said = await at.call(method, path, { email: address, verified: true }, headers);
      expect(said.status).toBeLessThan(300);
      expect(at.queued).toContainEqual(
        expect.objectContaining({
          kind: "revoke_grants",
          userId: claimer.id,
          reason: "identifier_taken_over",
        }),
      );
    },
  );

  test.each(["users.update 1 before", "users.remove 1 before"])(
    "T208 a claimer who is left without a name, and is named before %s, stays",
    async (point) => {
      const client = await newPageClient(stage());
      const address = email();
      const claimer = await claims(address);
      const at = stage();
      const request = (await dryProof(client)).split(":")[0];
      at.at(`${request}: ${point}`, async () => {
        const named = await admin("PATCH", `/users/${claimer.id}`, { external_id: fresh("ext") });
        expect(named.status).toBe(200);
      });
      await proves(at, client, address);
      expect(at.acted()).toBe(true);
      expect((await users.byId(claimer.id, ANY_REALM))?.user.status).toBe("active");
      expect((await refresh(operator, claimer.client, claimer.token)).status).toBe(400);
    },
  );
});

async function dryProof(client: Awaited<ReturnType<typeof newPageClient>>): Promise<string> {
  const dry = stage();
  await proves(dry, client, email());
  return pointOf(dry, "users.insert 1 before");
}
