import type { Flow } from "../load/flow.ts";
import { betterAuth } from "./better-auth.ts";
import { calls } from "./calls.ts";
import { ciba } from "./ciba.ts";
import { cotter } from "./cotter.ts";
import { oidcProvider } from "./oidc-provider.ts";
import { openauth } from "./openauth.ts";
import { bareJson, bareWrite, introspect, jwks, refresh } from "./steady.ts";

const FLOWS: Readonly<Record<string, Flow>> = {
  cotter,
  calls,
  ciba,
  "oidc-provider": oidcProvider,
  "better-auth": betterAuth,
  openauth,
  "bare-json": bareJson,
  "bare-write": bareWrite,
  introspect,
  jwks,
  refresh,
};

export function flowNamed(name: string): Flow {
  const flow = FLOWS[name];
  if (!flow) throw new Error(`no flow ${name}: there are ${Object.keys(FLOWS).join(", ")}`);
  return flow;
}
