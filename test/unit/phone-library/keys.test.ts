import { generateKeyPairSync, sign as signNode } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  type KeyVault,
  publicJwk,
  rawSignature,
  type Signer,
  type TextStorage,
  textKeys,
  vaultKeys,
} from "../../../packages/countersign/src/phone/phone.ts";
import { newPhone, newService, SESSION } from "./service.ts";

/** A key as a phone's hardware keeps it: it signs DER and gives out a point. */
function hardwareKey() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const sign = (bytes: Uint8Array) => new Uint8Array(signNode("sha256", bytes, privateKey));
  return { spki, jwk: { kty: "EC", crv: "P-256", x, y }, sign };
}

function textStorage(): TextStorage & { text: string | undefined } {
  return {
    text: undefined,
    async get() {
      return this.text;
    },
    async set(value) {
      this.text = value;
    },
    async remove() {
      this.text = undefined;
    },
  };
}

async function isGood(signer: Signer, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const kind = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", { ...signer.publicJwk }, kind, true, ["verify"]);
  return await crypto.subtle.verify(kind, key, new Uint8Array(await signer.sign(bytes)), bytes);
}

describe("a public key of a native module", () => {
  test("is read as SPKI, as a point and as a compressed point", () => {
    for (let i = 0; i < 20; i++) {
      const { spki, jwk } = hardwareKey();
      const point = spki.slice(-65);
      const compressed = Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.slice(1, 33));
      for (const bytes of [spki, point, compressed]) expect(publicJwk(bytes)).toEqual(jwk);
    }
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["32 bytes", new Uint8Array(32)],
    ["another form", Uint8Array.of(5, ...new Uint8Array(32))],
    ["an x that is on no curve", Uint8Array.of(2, ...new Uint8Array(31), 1, 0).slice(0, 33)],
    ["an x past the prime", Uint8Array.of(2, ...new Uint8Array(32).fill(255))],
  ])("%s is none", (_, bytes) => {
    expect(() => publicJwk(bytes)).toThrow(TypeError);
  });
});

describe("a DER signature", () => {
  test("is r and s in 64 bytes, with short and long numbers", async () => {
    const { jwk, sign } = hardwareKey();
    const signer: Signer = {
      publicJwk: jwk as Signer["publicJwk"],
      sign: async (bytes) => rawSignature(sign(bytes)),
    };
    const lengths = new Set<number>();
    for (let i = 0; i < 600; i++) {
      const bytes = new TextEncoder().encode(`text ${i}`);
      lengths.add(sign(bytes).length);
      expect((await signer.sign(bytes)).length).toBe(64);
      if (i < 50) expect(await isGood(signer, bytes)).toBe(true);
    }
    expect(lengths.size).toBeGreaterThan(2);
    expect([...rawSignature(Uint8Array.of(0x30, 6, 2, 1, 5, 2, 1, 7))].filter(Boolean)).toEqual([5, 7]);
  });

  test.each([
    ["nothing", []],
    ["raw bytes", [...new Uint8Array(64).fill(7)]],
    ["one number", [0x30, 3, 2, 1, 5]],
    ["a number that ends before its length", [0x30, 6, 2, 1, 5, 2, 9, 7]],
    ["bytes behind it", [0x30, 6, 2, 1, 5, 2, 1, 7, 0]],
    ["a number of 40 bytes", [0x30, 45, 2, 40, ...new Uint8Array(40).fill(1), 2, 1, 7]],
  ])("%s is none", (_, bytes) => {
    expect(() => rawSignature(Uint8Array.from(bytes))).toThrow(TypeError);
  });
});

describe("keys of a vault", () => {
  const newVault = () => {
    const keys = new Map<string, ReturnType<typeof hardwareKey>>();
    const signerOf = ({ jwk, sign }: ReturnType<typeof hardwareKey>): Signer => ({
      publicJwk: jwk as Signer["publicJwk"],
      sign: async (bytes) => rawSignature(sign(bytes)),
    });
    const vault: KeyVault = {
      async create() {
        const key = hardwareKey();
        const name = `key-${keys.size}`;
        keys.set(name, key);
        return { name, signer: signerOf(key) };
      },
      async open(name) {
        const key = keys.get(name);
        return key && signerOf(key);
      },
      async remove(name) {
        keys.delete(name);
      },
    };
    return { vault, keys };
  };

  test("are found again by their name, and one that is not used any more is removed", async () => {
    const { vault, keys } = newVault();
    const storage = textStorage();
    const { phone } = await newPhone(newService(), { keys: vaultKeys(storage, vault) });
    expect(JSON.parse(storage.text ?? "")).toEqual({
      key: "key-0",
      token: "t0ken",
      account: SESSION.account,
      device: { id: SESSION.device.id, kind: "key" },
    });
    const again = await vaultKeys(storage, vault).load();
    expect(await isGood(again?.signer as Signer, new TextEncoder().encode("x"))).toBe(true);
    await phone.enrol("t2", { confirm: () => true });
    expect([...keys.keys()]).toEqual(["key-1"]);
    await phone.signOut();
    expect([storage.text, keys.size]).toEqual([undefined, 0]);
  });

  test("a key that is gone from the vault is nobody's phone", async () => {
    const { vault, keys } = newVault();
    const storage = textStorage();
    await newPhone(newService(), { keys: vaultKeys(storage, vault) });
    keys.clear();
    expect(await vaultKeys(storage, vault).load()).toBeUndefined();
  });

  test("a store takes no key of another one", async () => {
    const [one, other] = [vaultKeys(textStorage(), newVault().vault), textKeys(textStorage())];
    await expect(one.save({ signer: await other.create() })).rejects.toThrow(TypeError);
    await expect(other.save({ signer: await one.create() })).rejects.toThrow(TypeError);
  });

  test("a key in the text itself signs after it was loaded again", async () => {
    const storage = textStorage();
    await newPhone(newService(), { keys: textKeys(storage) });
    const again = await textKeys(storage).load();
    expect(again).toMatchObject({ token: "t0ken", account: SESSION.account });
    expect(await isGood(again?.signer as Signer, new TextEncoder().encode("x"))).toBe(true);
  });
});
