import { fromBase64Url } from "../core/base64.ts";
import type { Chance } from "../core/ports/edge.ts";
import type { ClientSecrets } from "../core/ports/secrets.ts";
import { makeMac } from "./mac.ts";
import type { SecretKeys } from "./secret-keys.ts";
import { makeWrapping } from "./wrap.ts";

const SECRET_BYTES = 32;
const BOUND = "client-secret";

/** Client secrets: 256 bits as base64url, kept as a peppered hash and sealed (settled question 5). */
export function makeClientSecrets(needs: {
  readonly secretKeys: SecretKeys;
  readonly chance: Pick<Chance, "text">;
}): ClientSecrets {
  const { secretKeys, chance } = needs;
  const pepper = makeMac(secretKeys.pepper);
  const wrapping = makeWrapping(secretKeys.keyEncryption);
  const hash = (secret: string) => pepper.sign(BOUND, [secret]);
  return {
    async make() {
      const secret = chance.text(SECRET_BYTES);
      return { secret, kept: { hash: await hash(secret), sealed: await wrapping.seal(secret, BOUND) } };
    },
    hash,
    unseal: (sealed) => wrapping.unseal(sealed, BOUND),
    async equal(a, b) {
      // One side's MAC is checked against the other: equal lengths whatever was given, in constant time.
      const mac = fromBase64Url(await pepper.sign("equal", [a]));
      return mac !== undefined && pepper.matches(mac, "equal", [b]);
    },
  };
}
