import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv as parseDotenv } from "node:util";
import { describe, expect, test } from "vitest";
import { parseEnv } from "../../../src/env.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");

/** What the button offers as secrets: every line of the example that is none of a comment. */
const offered = parseDotenv(read(".dev.vars.example")) as Record<string, string>;
const { cloudflare, repository } = JSON.parse(read("package.json")) as {
  cloudflare: { bindings: Record<string, { description: string }> };
  repository?: string | { url: string };
};
/** What wrangler.toml says, which the button deploys as it is. */
const vars = parseDotenv(/^\[vars\]\n((?:[A-Z_]+ = .*\n)*)/m.exec(read("wrangler.toml"))?.[1] ?? "");

const nothing = () => undefined;
const limit = { limit: nothing };
const bindings = {
  DB: { prepare: nothing, batch: nothing },
  CHALLENGES: { get: nothing, idFromName: nothing },
  INBOXES: { get: nothing, idFromName: nothing },
  EVENTS: { send: nothing },
  ...{ LIMIT_START: limit, LIMIT_WAIT: limit, LIMIT_MISS: limit },
  ...{ LIMIT_ADMIN: limit, LIMIT_SEND: limit, LIMIT_READ: limit },
};

describe("Cloudflare's deploy button", () => {
  test("it offers nothing that would make a deployment one of development", () => {
    expect(vars.ENVIRONMENT).toBe("production");
    expect(Object.keys(offered)).not.toContain("ENVIRONMENT");
  });

  test("a deployment with what it offers does not serve, and names every such value", () => {
    const served = parseEnv({ ...bindings, ...vars, ...offered, ISSUER: "https://sign.example" });
    const names = ["ADMIN_TOKEN", "ALLOW_PRIVATE_CALLBACKS", "DELIVERY", "HANDLE_KEY", "IP_LIMITS"];
    expect(served).toMatchObject({ ok: false, error: [...names, "KEY_ENCRYPTION_KEY", "PEPPER"] });
  });

  test("it says of each value what to type", () => {
    const described = Object.keys(cloudflare.bindings);
    expect(
      [...Object.keys(offered), ...Object.keys(vars)].filter((name) => !described.includes(name)),
    ).toEqual([]);
    expect(described.filter((name) => !(name in offered) && !(name in vars))).toEqual([]);
  });

  test("in README.md it leads to the repository of package.json, or says where to write it", () => {
    const url = /deploy\.workers\.cloudflare\.com\/\?url=([^)\s]+)/.exec(read("README.md"))?.[1];
    const own = (typeof repository === "string" ? repository : repository?.url)?.replace(
      /^git\+|\.git$/g,
      "",
    );
    expect(url).toBe(own ?? "https://github.com/OWNER/REPOSITORY");
  });
});
