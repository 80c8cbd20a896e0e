import { exportJWK } from "jose";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { memoryReplayStore } from "../../../packages/countersign/src/verify/replay.ts";
import {
  createVerifier,
  type IncomingCall,
  type Verifier,
  verifyAccessToken,
} from "../../../packages/countersign/src/verify/verify.ts";
import { p256 } from "../../fakes/jws.ts";
import { Issuer, NOW, ProofKey, refusedFor, seconds } from "./verify-support.ts";

const ORIGIN = "https://api.example";
const URL_CALLED = `${ORIGIN}/orders/7`;

let issuer: Issuer;
let key: ProofKey;
let verifier: Verifier;
let token: string;
beforeAll(async () => {
  issuer = await Issuer.start();
  key = await ProofKey.start();
});
beforeEach(async () => {
  issuer.now = NOW;
  verifier = createVerifier(issuer.options({ origin: ORIGIN }));
  token = await issuer.sign({ claims: { cnf: { jkt: key.jkt } } });
});

const call = (parts: Partial<IncomingCall> = {}): IncomingCall => ({
  authorization: `DPoP ${token}`,
  dpop: undefined,
  method: "GET",
  url: "/orders/7?page=2",
  ...parts,
});
const prove = (parts?: Parameters<ProofKey["prove"]>[1]) =>
  key.prove({ token, url: URL_CALLED, now: issuer.now }, parts);
const refused = async (parts: Partial<IncomingCall>) => refusedFor(verifier.verifyCall(call(parts)));

describe("a token that is bound to a key", () => {
  test("is taken with a proof of that key for this call", async () => {
    const claims = await verifier.verifyCall(call({ dpop: await prove() }));
    expect(claims.cnf).toEqual({ jkt: key.jkt });
  });

  test("is taken by verify and verifyAccessToken with the call's address", async () => {
    const dpop = async () => ({ proof: await prove(), method: "GET", url: `${URL_CALLED}?page=2#top` });
    await verifier.verify(token, { dpop: await dpop() });
    await verifyAccessToken(token, { ...issuer.options(), dpop: await dpop() });
  });

  test("as Bearer is refused, with a proof and without", async () => {
    const authorization = `Bearer ${token}`;
    expect(await refused({ authorization })).toBe("invalid_token/bound");
    expect(await refused({ authorization, dpop: await prove() })).toBe("invalid_token/bound");
    expect(await refusedFor(verifier.verify(token))).toBe("invalid_token/bound");
    expect(await refusedFor(verifyAccessToken(token, issuer.options()))).toBe("invalid_token/bound");
  });

  test("as DPoP without a proof is refused", async () => {
    expect(await refused({})).toBe("invalid_token/proof_missing");
    expect(await refused({ dpop: "" })).toBe("invalid_token/proof_missing");
    expect(
      await refusedFor(verifier.verify(token, { dpop: { proof: null, method: "GET", url: URL_CALLED } })),
    ).toBe("invalid_token/proof_missing");
  });

  test("is refused where the origin of this API is not set", async () => {
    verifier = createVerifier(issuer.options());
    expect(await refused({ dpop: await prove() })).toBe("invalid_token/no_origin");
  });
});

describe("a token that is bound to no key", () => {
  test("as DPoP is refused, with a proof and without", async () => {
    token = await issuer.sign();
    expect(await refused({ dpop: await prove() })).toBe("invalid_token/not_bound");
    expect(await refused({})).toBe("invalid_token/not_bound");
  });

  test("as Bearer is taken, whatever stands in the header DPoP", async () => {
    token = await issuer.sign();
    await verifier.verifyCall(call({ authorization: `Bearer ${token}`, dpop: "nonsense" }));
  });
});

describe("T90 a proof for something else", () => {
  test.each([
    ["another method", { htm: "POST" }, "proof_method"],
    ["the method in small letters", { htm: "get" }, "proof_method"],
    ["no method", { htm: undefined }, "proof_method"],
    ["another host", { htu: "https://evil.example/orders/7" }, "proof_url"],
    ["another scheme", { htu: "http://api.example/orders/7" }, "proof_url"],
    ["another port", { htu: "https://api.example:8443/orders/7" }, "proof_url"],
    ["another path", { htu: `${ORIGIN}/orders/8` }, "proof_url"],
    ["a slash more", { htu: `${ORIGIN}/orders/7/` }, "proof_url"],
    ["the origin alone", { htu: ORIGIN }, "proof_url"],
    ["a path alone", { htu: "/orders/7" }, "proof_url"],
    ["no address", { htu: undefined }, "proof_url"],
    ["an address that is none", { htu: "https://" }, "proof_url"],
    ["an address in a list", { htu: [URL_CALLED] }, "proof_url"],
    ["another token", { ath: "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo" }, "proof_token"],
    ["no token", { ath: undefined }, "proof_token"],
    ["a minute ago and a second", { iat: seconds(NOW) - 61 }, "proof_time"],
    ["a minute ahead and a second", { iat: seconds(NOW) + 61 }, "proof_time"],
    ["no time", { iat: undefined }, "proof_time"],
    ["no jti", { jti: undefined }, "proof_malformed"],
    ["an empty jti", { jti: "" }, "proof_malformed"],
    ["a jti that is a number", { jti: 7 }, "proof_malformed"],
    ["an end of its own, which is over", { exp: seconds(NOW) - 60 }, "proof_malformed"],
  ])("%s is refused", async (_, claims, reason) => {
    expect(await refused({ dpop: await prove({ claims }) })).toBe(`invalid_token/${reason}`);
  });

  test.each([
    ["a query and a fragment", { htu: `${URL_CALLED}?a=b#c` }],
    ["capitals and the default port", { htu: "HTTPS://API.example:443/orders/7" }],
    ["a minute ago", { iat: seconds(NOW) - 60 }],
    ["a minute ahead", { iat: seconds(NOW) + 60 }],
  ])("but %s does not matter", async (_, claims) => {
    await verifier.verifyCall(call({ dpop: await prove({ claims }) }));
  });

  test("the key of another client is refused", async () => {
    const thief = await ProofKey.start();
    const dpop = await thief.prove({ token, url: URL_CALLED });
    expect(await refused({ dpop })).toBe("invalid_token/proof_key");
  });

  test("a proof with the client's key in it, signed by another, is refused", async () => {
    const thief = await ProofKey.start();
    const dpop = await thief.prove({ token, url: URL_CALLED }, { header: { jwk: key.jwk } });
    expect(await refused({ dpop })).toBe("invalid_token/proof_malformed");
  });

  test.each([
    ["another type", { typ: "JWT" }],
    ["no type", { typ: undefined }],
    ["alg none", { alg: "none" }],
    ["alg HS256", { alg: "HS256" }],
    ["no key", { jwk: undefined }],
    ["a key that is a text", { jwk: "key" }],
    ["a secret in the place of a key", { jwk: { kty: "oct", k: "c2VjcmV0" } }],
    ["a key by address", { jku: "https://evil.example" }],
    ["a certificate", { x5c: ["MIIB"] }],
    ["a critical member", { crit: ["b64"], b64: false }],
  ])("%s is refused", async (_, header) => {
    expect(await refused({ dpop: await prove({ header }) })).toBe("invalid_token/proof_malformed");
  });

  test("a private key in a proof is refused", async () => {
    const jwk = await exportJWK(key.pair.privateKey);
    expect(await refused({ dpop: await prove({ header: { jwk } }) })).toBe("invalid_token/proof_malformed");
  });

  test("a key of another curve is refused", async () => {
    const jwk = await exportJWK((await p256("P-384")).publicKey);
    expect(await refused({ dpop: await prove({ header: { jwk } }) })).toBe("invalid_token/proof_malformed");
  });

  test.each(["nonsense", "a.b.c", "x".repeat(5_000)])("text like %.10s is refused", async (dpop) => {
    expect(await refused({ dpop })).toBe("invalid_token/proof_malformed");
  });

  test("a proof of more than 4 KiB is refused", async () => {
    const pad = "x".repeat(3_000);
    expect(await refused({ dpop: await prove({ claims: { pad } }) })).toBe("invalid_token/proof_malformed");
  });

  test("an address that is none fits no proof, whatever the proof says", async () => {
    const proof = await prove({ claims: { htu: "/orders/7" } });
    const dpop = { proof, method: "GET", url: "/orders/7" };
    expect(await refusedFor(verifier.verify(token, { dpop }))).toBe("invalid_token/proof_url");
  });

  test("two proofs in one header, or two headers, are refused", async () => {
    const dpop = `${await prove()}, ${await prove()}`;
    expect(await refused({ dpop })).toBe("invalid_token/proof_malformed");
  });
});

describe("T90 a proof is good once", () => {
  test("a second use is refused", async () => {
    const dpop = await prove();
    await verifier.verifyCall(call({ dpop }));
    expect(await refused({ dpop })).toBe("invalid_token/proof_replayed");
  });

  test("of ten uses at once one is good", async () => {
    const dpop = await prove();
    const all = await Promise.allSettled(
      Array.from({ length: 10 }, () => verifier.verifyCall(call({ dpop }))),
    );
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("also when it is signed anew with the same jti", async () => {
    const claims = { jti: "once" };
    await verifier.verifyCall(call({ dpop: await prove({ claims }) }));
    expect(await refused({ dpop: await prove({ claims }) })).toBe("invalid_token/proof_replayed");
  });

  test("for as long as its time allows it, and it is refused for its time then", async () => {
    const claims = { iat: seconds(NOW) + 60 };
    const dpop = await prove({ claims });
    await verifier.verifyCall(call({ dpop }));
    issuer.now = NOW + 120_000;
    await verifier.verifyCall(call({ dpop: await prove() }));
    expect(await refused({ dpop })).toBe("invalid_token/proof_replayed");
    issuer.now = NOW + 120_001;
    expect(await refused({ dpop })).toBe("invalid_token/proof_time");
  });

  test("the same jti of another key is another proof", async () => {
    const claims = { jti: "once" };
    await verifier.verifyCall(call({ dpop: await prove({ claims }) }));
    const other = await ProofKey.start();
    const theirs = await issuer.sign({ claims: { cnf: { jkt: other.jkt } } });
    const dpop = await other.prove({ token: theirs, url: URL_CALLED }, { claims });
    await verifier.verifyCall(call({ authorization: `DPoP ${theirs}`, dpop }));
  });

  test("who has no good token cannot fill the store", async () => {
    const spent: string[] = [];
    const replay = { spend: (name: string) => spent.push(name) > 0 };
    verifier = createVerifier(issuer.options({ origin: ORIGIN, replay }));
    const expired = await issuer.sign({ claims: { cnf: { jkt: key.jkt }, exp: seconds(NOW) - 100 } });
    await refused({ authorization: `DPoP ${expired}`, dpop: await prove() });
    await refused({ dpop: await prove({ claims: { htm: "PUT" } }) });
    expect(spent).toEqual([]);
    await verifier.verifyCall(call({ dpop: await prove() }));
    expect(spent).toEqual([expect.stringMatching(/^[\w-]{43}$/)]);
  });

  test("a store that is shared is asked with what it has to keep, and until when", async () => {
    const asked: [string, number][] = [];
    const replay = {
      spend: async (name: string, expiresAt: number) => {
        asked.push([name, expiresAt]);
        return false;
      },
    };
    verifier = createVerifier(issuer.options({ origin: ORIGIN, replay }));
    expect(await refused({ dpop: await prove() })).toBe("invalid_token/proof_replayed");
    expect(asked[0]?.[1]).toBe(NOW + 61_000);
  });

  test("a store that fails is no verdict", async () => {
    const spend = () => Promise.reject(new Error("down"));
    verifier = createVerifier(issuer.options({ origin: ORIGIN, replay: { spend } }));
    expect(await refused({ dpop: await prove() })).toBe("unavailable");
  });
});

describe("the memory of used proofs", () => {
  test("forgets what is over, and is unavailable when it is full of what is not", () => {
    let now = 0;
    const store = memoryReplayStore(() => now, 2);
    expect([store.spend("a", 100), store.spend("b", 100), store.spend("a", 100)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(() => store.spend("c", 100)).toThrow(
      expect.objectContaining({ code: "unavailable", retryAfter: 10 }),
    );
    now = 100;
    expect([store.spend("c", 200), store.spend("a", 200)]).toEqual([true, true]);
  });
});

describe("the address of a call", () => {
  test("may be one of several origins of ours", async () => {
    verifier = createVerifier(issuer.options({ origin: ["https://eu.example", ORIGIN] }));
    await verifier.verifyCall(call({ dpop: await prove() }));
    const claims = { htu: "https://eu.example/orders/7" };
    await verifier.verifyCall(call({ dpop: await prove({ claims }) }));
    expect(await refused({ dpop: await prove({ claims: { htu: "https://us.example/orders/7" } }) })).toBe(
      "invalid_token/proof_url",
    );
  });

  test("T90 a host that the caller names is not believed", async () => {
    // A proof for evil.example, carried on to us by whoever runs it.
    const dpop = () => prove({ claims: { htu: "https://evil.example/orders/7" } });
    for (const url of [
      "https://evil.example/orders/7",
      "//evil.example/orders/7",
      "http:\\evil.example/orders/7",
    ]) {
      expect(await refused({ url, dpop: await dpop() })).toBe("invalid_token/proof_url");
    }
    await verifier.verifyCall(call({ url: "http://127.0.0.1:3000/orders/7", dpop: await prove() }));
  });

  test("that is none, as of OPTIONS *, is refused", async () => {
    expect(await refused({ url: "*", dpop: await prove() })).toBe("invalid_token/proof_url");
  });
});

describe("the header Authorization", () => {
  beforeEach(async () => {
    token = await issuer.sign();
  });

  test.each(["Bearer", "bearer", "BEARER"])("%s is the scheme, however it is written", async (scheme) => {
    await verifier.verifyCall(call({ authorization: `${scheme} ${token}` }));
    await verifier.verifyCall(call({ authorization: `${scheme}   ${token} ` }));
  });

  test.each([undefined, null, "", "Basic d2ViOnNlY3JldA==", "Bearers x", "Token x"])(
    "%s brings no token",
    async (authorization) => {
      expect(await refused({ authorization })).toBe("invalid_token/missing");
    },
  );

  test.each([
    "Bearer",
    "Bearer ",
    "DPoP",
    "Bearer a b",
    "Bearer a, Bearer b",
    "Bearer a,b",
    'Bearer token="a"',
  ])("%s is no header with one token", async (authorization) => {
    expect(await refused({ authorization })).toBe("invalid_token/request");
  });
});
