import { describe, expect, test } from "vitest";
import { asked, refusal, setStatus, site } from "../../support/approver.ts";
import { newPageKey, newPhoneOwner, type Phone } from "../../support/phone.ts";
import { frames, listen } from "../../support/sockets.ts";
import { until } from "../../support/until.ts";

const at = site();
const PATH = "/approver/socket";
const prompts = (count: number) => JSON.stringify({ type: "prompts", count });

const open = (protocols: readonly string[], headers: Record<string, string> = {}) =>
  at.ask(PATH, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocols.join(", "), ...headers },
  });

const protocolsOf = async ({ token, key }: Phone, over: { proof?: string; token?: string } = {}) => {
  const shown = over.token ?? token;
  const proof = over.proof ?? (await key.proof("GET", PATH, { token: shown }));
  return ["countersign.v1", `countersign.token.${shown}`, `countersign.proof.${proof}`];
};

describe("the socket of a phone", () => {
  test("says at once how many requests wait, and again at each change, and nothing of what they say", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const answer = await open(await protocolsOf(phone));
    expect([answer.status, answer.headers.get("Sec-WebSocket-Protocol")]).toEqual([101, "countersign.v1"]);
    const ear = listen(answer);
    await frames(ear, 1);
    const { prompt, number } = await asked(at, id, phone, {}, { binding_message: "Table 4" });
    await frames(ear, 2);
    await phone.decide(prompt, { decision: "approve", match_code: number });
    await frames(ear, 3);
    expect(ear.heard).toEqual([prompts(0), prompts(1), prompts(0)]);
    ear.socket.send("ping");
    await until(() => expect(ear.heard.at(-1)).toBe("pong"));
    ear.socket.close();
  });

  test("T102 is closed by 1008 when the device is removed", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const ear = listen(await open(await protocolsOf(phone)));
    await frames(ear, 1);
    await phone.act(`/devices/${phone.deviceId}/removal`, "remove_device", { target: phone.deviceId });
    expect(await ear.closed).toMatchObject({ code: 1008 });
    expect((await open(await protocolsOf(phone))).status).toBe(401);
  });

  test("T90 opens by a proof of this call alone", async () => {
    const { phone } = await newPhoneOwner(at);
    const { token, key } = phone;
    const thief = await newPageKey();
    const proofs = [
      await key.proof("POST", PATH, { token }),
      await key.proof("GET", "/approver/prompts", { token }),
      await key.proof("GET", PATH),
      await key.proof("GET", PATH, { token, claims: { iat: 1 } }),
      await key.proof("GET", PATH, { token, claims: { htu: "ws://localhost:8787/approver/socket" } }),
      "x",
    ];
    for (const proof of proofs) {
      const answer = await open(await protocolsOf(phone, { proof }));
      expect({ status: answer.status, body: await answer.json() }).toMatchObject(refusal(401, "bad_proof"));
    }
    const stolen = await open(await protocolsOf(phone, { proof: await thief.proof("GET", PATH, { token }) }));
    expect({ status: stolen.status, body: await stolen.json() }).toMatchObject(refusal(401, "session_over"));
  });

  test("a page of another site opens none: it has neither token nor key", async () => {
    const answer = await open(["countersign.v1"], { Origin: "https://evil.example" });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("T107 a plain call is told what the address takes", async () => {
    const answer = await at.ask(PATH);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject(refusal(426, "upgrade"));
    const odd = await open([",,", "countersign.token.", "countersign.proof."]);
    expect(odd.status).toBe(401);
  });

  test("is closed when its user is locked", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    const ear = listen(await open(await protocolsOf(phone)));
    await frames(ear, 1);
    await setStatus(at, id, "locked");
    expect(await ear.closed).toMatchObject({ code: 1008 });
  });
});
