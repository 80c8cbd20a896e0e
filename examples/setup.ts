/**
 * `node ../setup.ts <port> <command…>`: registers the example's client (`client.json`) at the Countersign server of this machine, then runs
 * the command with ISSUER, CLIENT_ID, CLIENT_SECRET, PORT and HOME_URL in its environment. For development alone: it takes no server but one
 * of this machine, and no token but the one that every fresh clone has.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const ADMIN_TOKEN = "dev-admin-token";
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const [defaultPort = "3000", command = "", ...rest] = process.argv.slice(2);
const { ISSUER = "http://127.0.0.1:8787", PORT = defaultPort } = process.env;
const HOME_URL = `http://127.0.0.1:${PORT}`;

class Refusal extends Error {}

/** One call of the admin API; undefined where there is no such client. */
async function operate(
  method: string,
  path: string,
  body?: object,
): Promise<Record<string, string> | undefined> {
  const answer = await fetch(`${ISSUER}/admin/clients${path}`, {
    method,
    headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, "Content-Type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Refusal(
      `Nothing answers at ${ISSUER}. Run "npm ci && npm start" at the root of the repository first.`,
    );
  });
  if (answer.status === 404) return undefined;
  const text = await answer.text();
  if (!answer.ok) throw new Refusal(`${ISSUER} answered ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** The client as `client.json` has it, made or brought up to date. */
async function register(): Promise<{ readonly CLIENT_ID: string; readonly CLIENT_SECRET?: string }> {
  const wanted = JSON.parse(readFileSync("client.json", "utf8").replaceAll("$HOME_URL", HOME_URL));
  const { client_id, kind, ...rest } = wanted;
  const path = `/${encodeURIComponent(client_id)}`;
  if (await operate("PATCH", path, rest)) {
    // Secrets are told once, so a start takes a new one. The one before works for 24 h.
    const made = kind === "confidential" ? await operate("POST", `${path}/secret`) : undefined;
    return { CLIENT_ID: client_id, ...(made && { CLIENT_SECRET: made.client_secret }) };
  }
  const made = await operate("POST", "", wanted);
  return { CLIENT_ID: client_id, ...(made?.client_secret && { CLIENT_SECRET: made.client_secret }) };
}

try {
  if (!LOOPBACK.test(new URL(ISSUER).hostname)) {
    throw new Refusal(
      `${ISSUER} is not a server of this machine. Register the client there yourself, and start without setup.ts.`,
    );
  }
  const client = existsSync("client.json") ? await register() : {};
  const child = spawn(command, rest, {
    stdio: "inherit",
    env: { ...process.env, ISSUER, PORT, HOME_URL, ...client },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`${command} could not be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code) => {
    process.exitCode = code ?? 1;
  });
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
