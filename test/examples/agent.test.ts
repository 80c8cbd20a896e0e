import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Approval, createClient, type Detail } from "../../packages/countersign/src/client.ts";
import { newBackend, newUser, type User } from "../wire/sdk/stage.ts";
import { type Running, stage, startExample } from "./example.ts";

let user: User;
let run: Running | undefined;
/** The bank of the example, for a client of the test's own. */
let pay: (accessToken: string) => Promise<string>;
let ask: (details?: readonly Detail[]) => Promise<Approval>;

beforeAll(async () => {
  const { client_id: clientId, client_secret: clientSecret } = await newBackend(stage());
  Object.assign(process.env, { ISSUER: stage().origin, CLIENT_ID: clientId });
  const bank = "../../examples/agent-approval/src/bank.ts";
  ({ pay } = await import(bank));
  const client = createClient({ issuer: stage().origin, clientId, clientSecret });
  ask = async (details) => {
    let isAsked = false;
    return await client.requestApproval(
      { user: user.email, ...(details ? { details } : {}) },
      {
        onPrompt: ({ matchCode }) => {
          if (!isAsked) void user.approve(matchCode);
          isAsked = true;
        },
      },
    );
  };
});
beforeEach(async () => {
  user = await newUser(stage());
  run = undefined;
});

const started = async () => {
  run = await startExample("agent-approval", { args: [user.email] });
  const [, number] = await run.says(/type (\d{6}) on your phone/);
  return { run, number };
};

test("the phone shows what the agent wants to pay, and after the approval it is paid", async () => {
  const { run, number } = await started();
  expect((await user.prompt()).payload.shown).toMatchObject({
    message: "Order 4711",
    details: [{ type: "payment", amount: "45.00", currency: "EUR", to: "Büro Müller" }],
  });
  await user.approve(number);
  expect(await run.ended()).toBe(0);
  expect(run.output()).toContain(`Paid 45.00 EUR to Büro Müller, as ${user.id} approved`);
});

test("a decline pays nothing", async () => {
  const { run } = await started();
  await user.decline();
  expect(await run.ended()).toBe(1);
  expect(run.output()).toContain("You said no");
  expect(run.output()).not.toContain("Paid");
});

test("the bank pays what was signed, once, and takes nothing that approves no single payment", async () => {
  const payment = { type: "payment", amount: "12.00", currency: "EUR", to: "Ada" };
  const { accessToken } = await ask([payment]);
  expect(await pay(accessToken)).toBe(`Paid 12.00 EUR to Ada, as ${user.id} approved`);
  await expect(pay(accessToken)).rejects.toThrow("was used before");
  await expect(pay((await ask()).accessToken)).rejects.toThrow("approves no payment");
  await expect(pay((await ask([payment, payment])).accessToken)).rejects.toThrow("approves no payment");
  const [head, body = "", signature] = accessToken.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString());
  claims.authorization_details[0].amount = "9999.00";
  const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
  await expect(pay(`${head}.${forged}.${signature}`)).rejects.toMatchObject({ code: "invalid_token" });
});
