import { expect, test } from "vitest";
import { approverDescription } from "../../../src/doors/approver/openapi/description.ts";
import { asked, site } from "../support/approver.ts";
import { askDevice, newParty } from "../support/ciba.ts";
import {
  newOwner,
  newPageKey,
  newPhoneOf,
  newPhoneOwner,
  openByKey,
  phoneOf,
  ticketFor,
} from "../support/phone.ts";
import { player } from "./play.ts";

test("every documented call of the approver's door is answered as its description says", async () => {
  const at = site({ PUSH_CONTACT: "mailto:ops@sign.example", ALLOW_PRIVATE_CALLBACKS: "false" });
  const { play, unsent } = player(at, approverDescription);
  await play("GET /approver/config");

  const owner = await newOwner(at);
  const begun = await play("POST /approver/enrolments/begin", {
    body: { ticket: await ticketFor(at, owner.id) },
  });
  const key = await newPageKey();
  const enrolled = await play("POST /approver/enrolments", {
    headers: { DPoP: await key.proof("POST", "/approver/enrolments") },
    body: { enrolment: begun.body.enrolment },
  });
  await play("POST /approver/sessions/begin", { body: { jkt: key.jkt } });
  const session = await play("POST /approver/sessions", {
    headers: { DPoP: await key.proof("POST", "/approver/sessions") },
    body: { device_id: enrolled.body.device.id },
  });
  expect((await openByKey(at, key, enrolled.body.device.id)).status).toBe(201);

  const phone = phoneOf(at, key, session.body);
  const send = async (name: string, given: Parameters<typeof play>[1] = {}) => {
    const [method = "", template = ""] = name.split(" ");
    const path = template.replace("/approver", "").replace(":id", given.path?.id ?? "");
    return await play(name, {
      ...given,
      headers: { ...(await phone.headers(method, path)), ...given.headers },
    });
  };
  const act = async (use: string, more: Record<string, string> = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const signed = { v: 1, iss: "http://localhost:8787", use, device: phone.deviceId, at: now, ...more };
    return { at: now, ...(await phone.sign(signed)) };
  };

  const { prompt, number } = await asked(at, owner.id, phone);
  await send("GET /approver/prompts");
  const path = { id: prompt.id };
  await send("GET /approver/prompts/:id", { path });
  const said = { decision: "approve", match_code: number };
  await send("POST /approver/prompts/:id/decision", {
    path,
    body: { ...said, ...(await phone.sign({ ...prompt.payload, ...said })) },
  });
  const tv = await askDevice(at, await newParty(at));
  await send("POST /approver/scans", { body: { user_code: tv.body.user_code } });
  await send("GET /approver/socket");

  await send("PUT /approver/push-subscription");
  await send("GET /approver/push-subscription");
  await send("DELETE /approver/push-subscription");
  await send("POST /approver/recovery-codes", { body: await act("recovery_codes") });
  await send("GET /approver/recovery-codes");
  await send("POST /approver/tickets", { body: await act("let_in_device") });
  await send("GET /approver/activity");
  const other = await newPhoneOf(at, owner.id, "key", { deviceId: phone.deviceId as never });
  await send("GET /approver/devices");
  await send("PATCH /approver/devices/:id", { path: { id: other.deviceId } });
  await send("POST /approver/devices/:id/removal", {
    path: { id: other.deviceId },
    body: await act("remove_device", { target: other.deviceId }),
  });
  expect((await newPhoneOwner(at)).phone.deviceId).not.toBe(phone.deviceId);
  expect(unsent()).toEqual([]);
});
