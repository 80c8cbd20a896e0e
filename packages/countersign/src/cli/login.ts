import { type Client, createClient, type Prompt, type Session } from "../client.ts";
import { readIssuer } from "../settings.ts";
import { type Command, needed, textOf, type Values } from "./command.ts";
import { failed, misused } from "./fault.ts";
import { note, plain, say, sayJson } from "./print.ts";
import { qrOf } from "./qr.ts";
import { fileStorage, readHeld } from "./session-file.ts";

const clientOf = (issuer: string, clientId: string, scope?: string): Client =>
  createClient({ issuer, clientId, storage: fileStorage(issuer, clientId), ...(scope && { scope }) });

/** What is to be done on the phone. To the standard error: the standard output is the result. */
function show({ userCode, verificationUri, verificationUriComplete }: Prompt): void {
  const link = verificationUriComplete ?? verificationUri ?? "";
  note(`Open ${plain(verificationUri ?? link)} and enter the code ${plain(userCode ?? "")}`);
  note(`or scan this, or open ${plain(link)}\n`);
  note(`${qrOf(link, process.stderr)}\n`);
}

const whoOf = ({ claims }: Session): string =>
  String(claims?.email ?? claims?.preferred_username ?? claims?.sub ?? "somebody");

async function logOut(values: Values): Promise<number> {
  const held = readHeld();
  if (held === undefined) throw failed("Nobody is signed in");
  await clientOf(held.issuer, held.clientId).signOut();
  if (values.json) sayJson({ signed_out: true });
  else say("Signed out.");
  return 0;
}

export const loginCommand: Command = {
  help: `countersign login --issuer URL --client ID

Signs you in by your phone (device grant, RFC 8628), and keeps the tokens in a file that you alone can read.

  --issuer URL   the server, such as https://sign.example
  --client ID    a public client that has the device grant
  --scope SCOPE  default: openid offline_access
  --logout       revokes and forgets the tokens
  --json         one line of JSON on the standard output: who is signed in, never a token`,
  options: {
    issuer: { type: "string" },
    client: { type: "string" },
    scope: { type: "string" },
    logout: { type: "boolean" },
    json: { type: "boolean" },
  },
  async run({ values, signal }) {
    if (values.logout) return await logOut(values);
    const issuer = readIssuer(needed(values, "issuer"));
    const client = clientOf(
      issuer,
      needed(values, "client"),
      textOf(values, "scope") ?? "openid offline_access",
    );
    let isShown = false;
    const session = await client.deviceLogin({
      signal,
      onPrompt: (prompt) => {
        if (!isShown) show(prompt);
        else if (prompt.state === "claimed") note("Somebody has opened it on a phone.");
        isShown = true;
      },
    });
    if (values.json) {
      const { claims, scope, expiresAt } = session;
      sayJson({ issuer, sub: claims?.sub, email: claims?.email, scope, expires_at: expiresAt });
    } else say(`Signed in as ${plain(whoOf(session))}.`);
    return 0;
  },
};

export const tokenCommand: Command = {
  help: `countersign token

Prints a good access token of whom \`countersign login\` has signed in, refreshed when it is about to end:

  curl -H "Authorization: Bearer $(countersign token)" https://api.example/orders`,
  options: {},
  async run({ rest }) {
    if (rest.length > 0) throw misused("There is a word too many");
    const held = readHeld();
    const session = held && (await clientOf(held.issuer, held.clientId).session());
    if (!session) throw failed("Nobody is signed in. Run: countersign login --issuer URL --client ID");
    say(session.accessToken);
    return 0;
  },
};
