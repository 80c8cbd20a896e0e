import { globSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");
const readme = read("README.md");

describe("the backend's example of docs/oauth.md", () => {
  const issuer = "https://sign.example";
  let server: Server;
  let userOf: (token: string) => Promise<string>;
  let sign: (claims: JWTPayload, typ?: string) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" }] });
    server = createServer((_, answer) => answer.setHeader("Content-Type", "application/json").end(jwks));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const page = read("docs/oauth.md");
    const blocks = [...page.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
    const code = (blocks.find((block) => block.includes("function userOf")) ?? "")
      .replace(/new URL\(`[^`]*`\)/, `new URL("http://127.0.0.1:${port}/.well-known/jwks.json")`)
      .replace("http://127.0.0.1:8787", issuer)
      .replace('from "jose"', `from ${JSON.stringify(import.meta.resolve("jose"))}`);
    ({ userOf } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(code)}`));
    const good = { sub: "ada", iss: issuer, aud: "web" };
    sign = (claims, typ = "at+jwt") =>
      new SignJWT({ ...good, ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "k", typ })
        .setExpirationTime("1h")
        .sign(privateKey);
  });
  afterAll(() => server.close());

  test("takes an access token", async () => {
    expect(await userOf(await sign({}))).toBe("ada");
  });

  test.each([
    ["another client's", { aud: "other-app" }],
    ["another deployment's", { iss: "https://other.example" }],
    ["an ID token", {}, "JWT"],
  ])("refuses %s", async (_, claims, typ?: string) => {
    await expect(userOf(await sign(claims, typ))).rejects.toThrow();
  });

  test("refuses one that was changed", async () => {
    const [head, , tail] = (await sign({})).split(".");
    const [, payload] = (await sign({ sub: "eve" })).split(".");
    await expect(userOf(`${head}.${payload}.${tail}`)).rejects.toThrow();
  });
});

const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };

/** Scripts that a text tells users to run and that package.json does not have. */
const missingScripts = (text: string): readonly string[] =>
  [...text.matchAll(/\bnpm (?:run ([a-z0-9:]*[a-z0-9])|(start|test)\b)/g)]
    .map(([, run, short]) => run ?? short ?? "")
    .filter((name) => scripts[name] === undefined);

describe("the scripts that the documents tell users to run are there", () => {
  const pages = [...globSync("*.md", { cwd: root }), ...globSync("docs/**/*.md", { cwd: root })];

  test("the documents were found", () => {
    expect(pages.length).toBeGreaterThan(15);
    expect([...readme.matchAll(/\]\((docs\/[^)#]+)/g)].length).toBeGreaterThan(8);
  });

  test.each(pages)("%s", (page) => {
    expect(missingScripts(read(page))).toEqual([]);
  });

  test("a planted dead script is found", () => {
    expect(missingScripts("npm run none, npm test")).toEqual(["none"]);
  });
});
