import { makeShop } from "../authsignal.ts";
import { newApp } from "../flows/cotter.ts";
import type { Http } from "../load/http.ts";
import { makeLoginid } from "../loginid.ts";
import type { Place } from "../subject/place.ts";
import { authsignalWay, cibaWay, cotterWay, loginidWay } from "./doors.ts";
import { codeWay, deviceWay } from "./pages.ts";
import type { Way } from "./way.ts";

/** A way through each open door, each with clients of its own; a round takes them in turn. */
export async function openWays(http: Http, place: Place): Promise<readonly Way[]> {
  const { adminToken } = place;
  const headers = await newApp(http, adminToken);
  const { body: party } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Soak",
      kind: "confidential",
      grant_types: ["urn:openid:params:grant-type:ciba", "refresh_token"],
      settings: { approve_through: "realm", match_code: "off", starts_per_minute: 0 },
    },
  });
  const basic = { authorization: `Basic ${btoa(`${party.client_id}:${party.client_secret}`)}` };
  const site = { http, ...place };
  return [
    cotterWay(http, headers, true),
    cibaWay(http, headers, basic),
    loginidWay(http, await makeLoginid(place)),
    cotterWay(http, headers, false),
    authsignalWay(http, await makeShop(place)),
    await deviceWay(site),
    await codeWay(site),
  ];
}
