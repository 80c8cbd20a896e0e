import { expect, test } from "vitest";
import type { Caller } from "../../../../src/core/caller.ts";
import { handOver, type SendCode } from "../../../../src/core/code/send.ts";
import { type ChallengeId, identifierSubject } from "../../../../src/core/ids.ts";
import { ok } from "../../../../src/core/result.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { BANK } from "../../support/clients.ts";

const CALLER: Caller = { brought: "secret", network: "n" };

/** Who pays for a text of this sending. */
async function payerOf(over: Pick<SendCode, "unproven">): Promise<Caller | undefined> {
  let payer: Caller | undefined;
  const deliveries = {
    send: async (_message: unknown, caller: Caller) => {
      payer = caller;
      return ok("sent");
    },
  };
  const identifier = readIdentifier("+4915112345678");
  if (!identifier) throw new Error("not a number");
  const asked: SendCode = {
    challengeId: "c" as ChallengeId,
    client: BANK,
    identifier,
    channel: "sms",
    purpose: "p",
    as: { template: "one_time_code" },
    origin: {},
    caller: CALLER,
    locale: "en",
    expiresAt: 1,
    ...over,
  };
  const made = { code: "123456", subject: identifierSubject("x"), expiresAt: 1 };
  await handOver({ deliveries, chance: { text: () => "id" } } as never, asked, made);
  return payer;
}

test("T153 T162 a text to a number that its asker has chosen takes a stranger's share, whatever token asks", async () => {
  expect(await payerOf({})).toEqual(CALLER);
  expect(await payerOf({ unproven: true })).toEqual({ ...CALLER, brought: "nothing" });
});
