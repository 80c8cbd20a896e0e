import { openWaiter } from "../../scripts/demo/waiter.ts";
import { approveCotter, newApp, newPerson, startCotter } from "../flows/cotter.ts";
import { makeHttp } from "../load/http.ts";
import type { Scene } from "./steps.ts";

/** A Cotter sign-in of a new user, their waiter on a socket, and one refresh. */
export const cotterScene: Scene = async ({ origin, adminToken }, steps) => {
  const http = makeHttp(origin, 1);
  const headers = await newApp(http, adminToken);
  return async () => {
    const person = await newPerson(steps.over(http, "Cotter: sign-up", "Cotter: a phone is added"), headers);
    const event = await startCotter(steps.over(http, "Cotter: start"), headers, person.userId);
    const waiter = await steps.one("Cotter: the socket opens", async () => {
      const opened = openWaiter(event.socket_uri, String(event.ID));
      await opened.first;
      return opened;
    });
    const path = `/api/v0/event/get/${event.ID}`;
    await steps.over(http, "Cotter: a poll that waits").read(path, 200, { headers });
    await approveCotter(
      steps.over(http, "Cotter: the phone asks", "Cotter: the phone approves"),
      headers,
      person,
    );
    await waiter.settled;
    const collect = steps.over(http, "Cotter: the poll that collects");
    const { body } = await collect.read(`${path}?oauth_token=true`, 200, { headers });
    const json = { grant_type: "refresh_token", refresh_token: body.oauth_token.refresh_token };
    await steps.over(http, "Cotter: refresh").read("/api/v0/token", 200, { headers, json });
  };
};
