import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import type { Http } from "./http.ts";

/** Verifies tokens of one server by its keys, read once. A token that does not hold ends the run. */
export async function verifier(http: Http, jwksPath: string): Promise<(token: unknown) => Promise<void>> {
  const { body } = await http.read(jwksPath, 200);
  const keys = createLocalJWKSet(body as JSONWebKeySet);
  return async (token) => {
    await jwtVerify(String(token), keys, { algorithms: ["ES256"] });
  };
}
