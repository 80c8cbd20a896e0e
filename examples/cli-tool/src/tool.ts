import { homedir } from "node:os";
import { join } from "node:path";
import { createClient, isCountersignError } from "countersign";
import { renderUnicodeCompact } from "uqr";
import { fileStorage } from "./file-storage.ts";

const { ISSUER = "", CLIENT_ID = "", SESSION_FILE = join(homedir(), ".countersign-example") } = process.env;
const client = createClient({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  scope: "openid offline_access",
  storage: fileStorage(SESSION_FILE),
});

async function login(): Promise<void> {
  const session = await client.deviceLogin({
    onPrompt: ({ state, userCode, verificationUri, verificationUriComplete = "" }) => {
      if (state === "claimed") {
        console.log("Somebody has typed the code. Waiting for their answer.");
      } else {
        console.log(renderUnicodeCompact(verificationUriComplete));
        console.log(`Scan this, or open ${verificationUri} and type ${userCode}`);
      }
    },
  });
  console.log(`Signed in as ${session.claims?.sub}`);
}

/** Calls an API of yours as the user. */
async function call(url: string): Promise<void> {
  if (!(await client.session())) await login();
  const answer = await client.fetch(url);
  console.log(await answer.text());
  if (!answer.ok) process.exitCode = 1;
}

const [command = "login", url = "http://127.0.0.1:3003/me"] = process.argv.slice(2);
try {
  if (command === "login") await login();
  else if (command === "call") await call(url);
  else if (command === "logout") await client.signOut();
  else throw new Error(`Use: login, call <url>, logout`);
} catch (error) {
  console.error(isCountersignError(error) ? `${error.code}: ${error.message}` : String(error));
  process.exitCode = 1;
}
