import { describe, expect, test } from "vitest";
import {
  allowsBareTap,
  backchannelLogout,
  bindsAccessTokens,
  type ClientSettings,
  deliveryMode,
  givesDeviceRefreshTokens,
  hidesUnknownUsers,
  idTokenLane,
  isFirstParty,
  postLogoutRedirectUris,
  proximityOf,
  requiresPkce,
  resourcesOf,
  sameDeviceOf,
  servesOf,
  stepsUp,
  takesDeviceLoginHint,
} from "../../../../src/core/client/settings.ts";
import { settingsSchema } from "../../../../src/doors/admin/settings-schema.ts";
import { isCode, read, root, walk, withoutComments } from "../../sources.ts";

describe("settings of the standard door", () => {
  const rulesOf = (settings: ClientSettings) => ({
    pkce: requiresPkce({ kind: "confidential", settings }),
    firstParty: isFirstParty(settings),
    bareTap: allowsBareTap(settings),
    proximity: proximityOf(settings),
    stepsUp: stepsUp(settings),
    sameDevice: sameDeviceOf(settings),
    afterLogout: postLogoutRedirectUris(settings),
    logout: backchannelLogout(settings),
    bound: bindsAccessTokens(settings),
    deviceRefresh: givesDeviceRefreshTokens(settings),
    deviceHint: takesDeviceLoginHint(settings),
    resources: resourcesOf(settings),
    serves: servesOf(settings),
    decoy: hidesUnknownUsers(settings),
    mode: deliveryMode(settings),
    idTokens: idTokenLane(settings),
  });

  test("each has its careful default", () => {
    expect(rulesOf({})).toEqual({
      pkce: true,
      firstParty: true,
      bareTap: false,
      proximity: "warn",
      stepsUp: false,
      sameDevice: "mark",
      afterLogout: [],
      logout: undefined,
      bound: false,
      deviceRefresh: false,
      deviceHint: false,
      resources: [],
      serves: [],
      decoy: false,
      mode: "poll",
      idTokens: "standard",
    });
  });

  test("each takes what is set", () => {
    const settings: ClientSettings = {
      require_pkce: false,
      first_party: false,
      insecure_tap: true,
      proximity: "step_up",
      same_device: "deny",
      post_logout_redirect_uris: ["https://shop.example/bye"],
      backchannel_logout_uri: "https://shop.example/logout",
      dpop_bound_access_tokens: true,
      device_refresh_tokens: true,
      device_login_hint: true,
      resources: ["https://api.example"],
      serves: ["https://own.example"],
      decoy_unknown_users: true,
      backchannel_token_delivery_mode: "ping",
      id_token_signed_response_alg: "RS256",
    };
    expect(rulesOf(settings)).toEqual({
      pkce: false,
      firstParty: false,
      bareTap: true,
      proximity: "step_up",
      stepsUp: true,
      sameDevice: "deny",
      afterLogout: ["https://shop.example/bye"],
      logout: { uri: "https://shop.example/logout", sessionRequired: false },
      bound: true,
      deviceRefresh: true,
      deviceHint: true,
      resources: ["https://api.example"],
      serves: ["https://own.example"],
      decoy: true,
      mode: "ping",
      idTokens: "rs256",
    });
    expect(
      backchannelLogout({ ...settings, backchannel_logout_session_required: true })?.sessionRequired,
    ).toBe(true);
  });

  test("a public client needs PKCE, also where another setting is stored", () => {
    expect(requiresPkce({ kind: "public", settings: { require_pkce: false } })).toBe(true);
  });
});

describe("settings that may be set", () => {
  const texts = walk(`${root}/src`)
    .filter(isCode)
    .map(read)
    .filter(({ path }) => path !== "src/doors/admin/settings-schema.ts")
    .map(({ text }) => withoutComments(text).replaceAll(/^ *readonly \w+\??:.*$/gm, ""))
    .join("\n");
  const isRead = (name: string) => new RegExp(`\\b${name}\\b`).test(texts);

  test("G5 each is read by something, and any other is refused", () => {
    const names = Object.keys(settingsSchema.shape);
    expect(names.length).toBeGreaterThan(40);
    expect(names.filter((name) => !isRead(name))).toEqual([]);
    expect(isRead("a_setting_of_nobody")).toBe(false);
    expect(settingsSchema.safeParse({ a_setting_of_nobody: true }).success).toBe(false);
  });
});
