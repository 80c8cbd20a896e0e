import { describe, expect, test, vi } from "vitest";
import { ACTION_STATES } from "../../../../src/doors/authsignal/action/action.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  poll,
  server,
  type Tenant,
  track,
  validate,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";

const at = deployment();
const WORDS = ACTION_STATES.map((state) => state.toUpperCase());
/** Authsignal §5.1: from these a challenge may succeed; a review is the backend's to settle, a blocked or met action is over. */
const OPEN: readonly string[] = ["ALLOW", "CHALLENGE_REQUIRED", "CHALLENGE_FAILED"];

/** One user with a device that is good for every way, and an action of theirs in the given state. */
async function scene(state: string) {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  const phone = await enrol(at, tenant, user, "device");
  const tracked = await track(at, tenant, user, "signIn");
  const token = String(tracked.body.token);
  const path = `/users/${user}/actions/signIn/${tracked.body.idempotencyKey}`;
  const set = async (to: string) => {
    const changed = await server(at, tenant, "PATCH", path, { state: to });
    expect([changed.status, changed.body]).toEqual([200, { state: to }]);
  };
  const stateNow = async () => {
    const { body } = await validate(at, tenant, { token });
    const { body: row } = await server(at, tenant, "GET", path);
    expect([body.state, body.isValid]).toEqual([row.state, row.state === "CHALLENGE_SUCCEEDED"]);
    return row.state;
  };
  await set(state);
  return { tenant, phone, token, set, stateNow };
}
type Scene = Awaited<ReturnType<typeof scene>>;

const post = (path: string, body: unknown, headers: Record<string, string>) =>
  at.call("POST", `/v1/client${path}`, body, headers);

const signed = async (phone: Phone, challengeId: string) => ({
  challengeId,
  publicKey: phone.key.text,
  signature: await phone.key.sign(challengeId),
});

/** A way of meeting an action: its start, the user's yes, and what the page is told then. */
type Way = {
  start(scene: Scene): Promise<{ readonly status: number; readonly body: Record<string, unknown> }>;
  approve(scene: Scene, started: Record<string, unknown>): Promise<{ readonly status: number }>;
  told(scene: Scene, started: Record<string, unknown>): Promise<Record<string, unknown>>;
};

const qrPoll = async (tenant: Tenant, { challengeId, deviceCode }: Record<string, unknown>) =>
  (await post("/verify/qr-code", { challengeId, deviceCode }, basic(tenant.id))).body;

const WAYS: Readonly<Record<string, Way>> = {
  push: {
    start: ({ token }) => post("/challenge/push", {}, bearer(token)),
    approve: ({ phone }, { challengeId }) => answer(at, phone, String(challengeId), true),
    told: async ({ token }, { challengeId }) => (await poll(at, token, String(challengeId))).body,
  },
  "QR code": {
    start: ({ token }) => post("/challenge/qr-code", {}, bearer(token)),
    async approve({ phone }, { challengeId }) {
      const body = await signed(phone, String(challengeId));
      const claimed = await phoneCall(at, phone, "POST", "/challenge/claim", body);
      if (claimed.status !== 200) return claimed;
      return await answer(at, phone, String(challengeId), true);
    },
    told: ({ tenant }, started) => qrPoll(tenant, started),
  },
};

const inApp = async ({ token, phone }: Scene) => {
  const begun = await post("/challenge", {}, bearer(token));
  return await post("/verify/device", await signed(phone, String(begun.body.challengeId)), bearer(token));
};

const NO_CHALLENGE = {
  error: "invalid_request",
  errorCode: "invalid_request",
  errorDescription: "This is not allowed: the action takes no challenge.",
};

describe.each(WORDS)("an action in %s", (state) => {
  const isOpen = OPEN.includes(state);
  const over = isOpen ? "CHALLENGE_SUCCEEDED" : state;

  test.each(Object.entries(WAYS))(`${isOpen ? "begins" : "begins no"} challenge by %s`, async (_way, way) => {
    const here = await scene(state);
    const started = await way.start(here);
    expect(started.status).toBe(isOpen ? 200 : 400);
    if (isOpen) expect((await way.approve(here, started.body)).status).toBe(200);
    else expect(started.body).toEqual(NO_CHALLENGE);
    expect(await here.stateNow()).toBe(over);
  });

  test(`${isOpen ? "is" : "is not"} met in the app`, async () => {
    const here = await scene(state);
    const done = await inApp(here);
    expect(done.status).toBe(isOpen ? 200 : 400);
    if (!isOpen) expect(done.body).toEqual(NO_CHALLENGE);
    expect(await here.stateNow()).toBe(over);
  });

  // What the backend calls failed, blocked or to be reviewed takes the challenge back that was under way; the next one may succeed.
  const after = state === "CHALLENGE_FAILED" ? state : over;
  const isMet = after === "CHALLENGE_SUCCEEDED";
  test.each(Object.entries(WAYS))(
    `set while a challenge is under way, ${isMet ? "may" : "may not"} be approved by %s, and is ${after}`,
    async (_way, way) => {
      const here = await scene("CHALLENGE_REQUIRED");
      const { body } = await way.start(here);
      await here.set(state);
      expect((await way.approve(here, body)).status).toBe(isMet ? 200 : 400);
      expect(await way.told(here, body)).toMatchObject({ isVerified: isMet, isConsumed: true });
      expect("accessToken" in (await way.told(here, body))).toBe(isMet);
      expect(await here.stateNow()).toBe(after);
    },
  );

  test.each(WORDS)("is %s when the backend says so", async (to) => {
    const here = await scene(state);
    await here.set(to);
    expect(await here.stateNow()).toBe(to);
  });
});

test.each(["block", "review"] as const)(
  "an action whose rule is to %s is begun by nobody's scan, and met in nobody's app",
  async (rule) => {
    const tenant = await newTenant(at, { actions: { pay: rule } });
    const phone = await enrol(at, tenant, fresh("u"), "device");
    const started = await post("/challenge/qr-code", { action: "pay" }, basic(tenant.id));
    expect([started.status, started.body]).toEqual([400, NO_CHALLENGE]);
    const begun = await post("/challenge", { action: "pay" }, basic(tenant.id));
    const body = await signed(phone, String(begun.body.challengeId));
    const done = await post("/verify/device", body, basic(tenant.id));
    expect([done.status, done.body]).toEqual([400, NO_CHALLENGE]);
  },
);

test.each(["CHALLENGE_REQUIRED", "CHALLENGE_FAILED"])(
  "a met action that the backend takes back to %s stays so, until a new challenge meets it",
  async (state) => {
    const here = await scene("CHALLENGE_REQUIRED");
    const meet = async () => {
      const { body } = await post("/challenge/push", {}, bearer(here.token));
      await answer(at, here.phone, String(body.challengeId), true);
      expect(await here.stateNow()).toBe("CHALLENGE_SUCCEEDED");
      return String(body.challengeId);
    };
    const first = await meet();
    await here.set(state);
    expect(await here.stateNow()).toBe(state);
    const told = { isVerified: false, isConsumed: true };
    expect((await poll(at, here.token, first)).body).toEqual(told);
    expect(await here.stateNow()).toBe(state);
    await meet();
  },
);

test("what was decided before the backend took the action back meets it no more, though a new challenge has begun", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const here = await scene("CHALLENGE_REQUIRED");
    const begun = async () =>
      String((await post("/challenge/push", {}, bearer(here.token))).body.challengeId);
    const first = await begun();
    await answer(at, here.phone, first, true);
    expect((await poll(at, here.token, first)).body.isVerified).toBe(true);
    vi.setSystemTime(Date.now() + 5_000);
    await here.set("CHALLENGE_REQUIRED");
    const second = await begun();
    expect((await poll(at, here.token, first)).body).toEqual({ isVerified: false, isConsumed: true });
    expect(await here.stateNow()).toBe("CHALLENGE_REQUIRED");
    await answer(at, here.phone, second, true);
    expect((await poll(at, here.token, second)).body.isVerified).toBe(true);
    expect(await here.stateNow()).toBe("CHALLENGE_SUCCEEDED");
  } finally {
    vi.useRealTimers();
  }
});
