import { createClient, isCountersignError } from "countersign";
import { pay } from "./bank.ts";

const { ISSUER = "", CLIENT_ID = "", CLIENT_SECRET = "" } = process.env;
const [user = "ada@example.com"] = process.argv.slice(2);

const client = createClient({ issuer: ISSUER, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET });

// What the agent has come up with. Treat it as an idea: it may be wrong, or somebody else's words.
const idea = {
  type: "payment",
  amount: "45.00",
  currency: "EUR",
  to: "Büro Müller",
  reason: "Two office chairs",
};

console.log(`I would like to pay ${idea.amount} ${idea.currency} to ${idea.to} for: ${idea.reason}`);
try {
  let shown: string | undefined;
  const approval = await client.requestApproval(
    { user, message: "Order 4711", details: [idea], expiresIn: 300 },
    {
      onPrompt: ({ matchCode }) => {
        if (matchCode !== shown) console.log(`To allow it, type ${matchCode} on your phone`);
        shown = matchCode;
      },
    },
  );
  // The token goes to the bank, and nothing else: what is paid is what the user has signed.
  console.log(await pay(approval.accessToken));
} catch (error) {
  if (!isCountersignError(error)) throw error;
  console.log(error.code === "denied" ? "You said no, so I pay nothing." : `Not paid: ${error.code}`);
  process.exitCode = 1;
}
