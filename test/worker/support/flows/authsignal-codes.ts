import { bearer, server, track } from "../authsignal.ts";
import type { Stage } from "../in-flight.ts";
import { browser } from "../page.ts";
import { verifyPath, withAddress } from "./authsignal.ts";
import { type Flow, has } from "./flow.ts";

const sentTo = (at: Stage): string => at.messages.at(-1)?.code ?? "none";

const codeMeets: Flow = {
  name: "Authsignal: an e-mail code meets an action",
  works: has("accessToken"),
  async ready(apart) {
    const { tenant, user, who } = await withAddress(true, apart);
    let token: unknown;
    let code = "";
    const verify = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-otp"), { verificationCode: code }, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "signIn")).body.token;
        await at.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
        code = sentTo(at);
        return await verify(at);
      },
      again: verify,
    };
  },
};

const linkMeets: Flow = {
  name: "Authsignal: an e-mail link meets an action",
  from: 2,
  works: has("accessToken"),
  async ready(apart) {
    const { tenant, user, who } = await withAddress(true, apart);
    let token: unknown;
    const finalize = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-magic-link/finalize"), undefined, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "signIn")).body.token;
        await at.call("POST", "/v1/client/challenge/email-magic-link", undefined, bearer(token));
        const link = at.messages.at(-1)?.link;
        if (link === undefined) return {};
        const { pathname, searchParams } = new URL(link);
        await browser(at).post(pathname, { secret: searchParams.get("t") ?? "", decision: "approve" });
        return await finalize(at);
      },
      again: finalize,
    };
  },
};

const codeEnrols: Flow = {
  name: "Authsignal: an e-mail code enrols its address",
  from: 2,
  works: has("userAuthenticator"),
  async ready(apart) {
    const { tenant, user, address, who } = await withAddress(false, apart);
    let token: unknown;
    let code = "";
    const verify = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-otp"), { verificationCode: code }, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "enrol")).body.token;
        const path = "/v1/client/user-authenticators/email-otp";
        await at.call("POST", path, { email: address }, bearer(token));
        code = sentTo(at);
        return await verify(at);
      },
      again: verify,
    };
  },
};

const backendCode = (use: "meets" | "enrols" | "is claimed"): Flow => ({
  name: `Authsignal: a backend's code ${use}`,
  ofNobody: use === "is claimed",
  works: has("token"),
  async ready(apart) {
    const { tenant, user, address, who } = await withAddress(use === "meets", apart);
    let id: unknown;
    const claimed = async (at: Stage) =>
      (await server(at, tenant, "POST", "/claim", { challengeId: id, userId: user })).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const whom = use === "is claimed" ? {} : { userId: user };
        const how = { verificationMethod: "EMAIL_OTP", action: "signIn", email: address };
        id = (await server(at, tenant, "POST", "/challenge", { ...whom, ...how })).body.challengeId;
        if (id === undefined) return {};
        await server(at, tenant, "POST", "/verify", { challengeId: id, verificationCode: sentTo(at) });
        return await claimed(at);
      },
      again: claimed,
    };
  },
});

const vouched: Flow = {
  name: "Authsignal: an address by the backend's word, and names",
  works: has("authenticator"),
  async ready(apart) {
    const { tenant, user, address, who } = await withAddress(false, apart);
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        await server(at, tenant, "PATCH", `/users/${user}`, { email: address, displayName: "Jo" });
        const body = { verificationMethod: "EMAIL_OTP", email: address };
        return (await server(at, tenant, "POST", `/users/${user}/authenticators`, body)).body;
      },
    };
  },
};

export const BY_CODE: readonly Flow[] = [
  codeMeets,
  linkMeets,
  codeEnrols,
  backendCode("meets"),
  backendCode("enrols"),
  backendCode("is claimed"),
  vouched,
];
