import { describe, expect, test } from "vitest";
import { listed, newPhone, newService, SESSION } from "./service.ts";

/** A phone whose session is over, and whose new one is under way until `end`. */
async function renewing() {
  const service = newService();
  const { phone, keys } = await newPhone(service);
  let end = () => {};
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  const begun = new Promise<void>((resolve) => {
    service.says("POST /approver/sessions", async () => {
      resolve();
      await held;
      service.says("GET /approver/prompts", listed());
      return Response.json({ ...SESSION, token: "new" }, { status: 201 });
    });
  });
  service.says("GET /approver/prompts", { code: "session_over" }, 401);
  service.says("DELETE /approver/push-subscription", () => {
    throw new TypeError("offline");
  });
  const list = phone.prompts().then(
    () => "listed",
    (error) => error.error,
  );
  await begun;
  return { phone, keys, list, end };
}

describe("a session that is renewed", () => {
  test("is kept, and the call goes on", async () => {
    const { keys, list, end } = await renewing();
    end();
    expect(await list).toBe("listed");
    expect((await keys.load())?.token).toBe("new");
  });

  test("undoes no sign-out that came meanwhile", async () => {
    const { phone, keys, list, end } = await renewing();
    await phone.signOut();
    end();
    expect(await list).toBe("session_over");
    expect(await keys.load()).toBeUndefined();
    expect(await phone.me()).toBeUndefined();
  });

  test("takes no other enrolment's place that came meanwhile, in another tab", async () => {
    const { keys, list, end } = await renewing();
    const before = await keys.load();
    if (!before) throw new Error("nothing is kept");
    const other = { ...before, token: "other", device: { id: "another", kind: "key" as const } };
    await keys.save(other);
    end();
    expect(await list).toBe("session_over");
    expect(await keys.load()).toMatchObject({ token: "other", device: { id: "another" } });
  });
});
