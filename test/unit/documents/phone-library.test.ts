import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { blocksIn } from "./code-blocks.ts";

const root = resolve(import.meta.dirname, "../../..");
const run = promisify(execFile);
const page = "docs/phone-library.md";

/** What the example calls of Expo's modules, as their own declarations have it; the modules themselves are for phones. */
const MODULES = `
declare module "expo-crypto" {
  export enum CryptoDigestAlgorithm { SHA256 = "SHA-256" }
  export function digest(algorithm: CryptoDigestAlgorithm, data: BufferSource): Promise<ArrayBuffer>;
  export function randomUUID(): string;
}
declare module "expo-secure-store" {
  export function deleteItemAsync(key: string, options?: object): Promise<void>;
  export function getItemAsync(key: string, options?: object): Promise<string | null>;
  export function setItemAsync(key: string, value: string, options?: object): Promise<void>;
}
declare module "@animo-id/expo-secure-environment" {
  export function generateKeypair(keyId: string, biometricsBacked?: boolean): Promise<void>;
  export function getPublicBytesForKeyId(keyId: string): Promise<Uint8Array>;
  export function sign(keyId: string, message: Uint8Array, biometricsBacked?: boolean): Promise<Uint8Array>;
  export function deleteKey(keyId: string): Promise<void>;
}
`;

mkdirSync(resolve(root, "node_modules/.cache"), { recursive: true });
const folder = mkdtempSync(resolve(root, "node_modules/.cache/expo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function faultsOf(code: string): Promise<string> {
  writeFileSync(join(folder, "modules.d.ts"), MODULES);
  writeFileSync(join(folder, "example.ts"), code);
  const phone = resolve(root, "packages/countersign/src/phone/phone.ts");
  const compilerOptions = {
    lib: ["ES2024", "DOM", "DOM.Iterable"],
    types: [],
    paths: { "countersign/phone": [phone] },
  };
  const options = { extends: resolve(root, "tsconfig.base.json"), compilerOptions, include: ["*"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(options));
  const tsc = resolve(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}

test("the example for Expo holds by the types of its modules", async () => {
  const blocks = blocksIn(page, readFileSync(resolve(root, page), "utf8"));
  const [example, ...others] = blocks.filter(({ text }) => text.includes("expo-"));
  expect(others).toEqual([]);
  expect(await faultsOf(example?.text ?? "")).toBe("");
  const planted = example?.text.replace("Hardware.sign(name, bytes, false)", "Hardware.sign(name)") ?? "";
  expect(await faultsOf(planted)).toMatch(/example\.ts\(\d+,\d+\): error TS2554/);
});
