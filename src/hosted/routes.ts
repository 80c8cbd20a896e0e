import { Hono } from "hono";
import type { AppEnv } from "../http/context.ts";
import type { Door, RenderFault } from "../http/door.ts";
import { jsonBody } from "../http/json-body.ts";
import type { RefuseMalformed } from "../http/malformed.ts";
import { noStore } from "../http/no-store.ts";
import { refuseFrames } from "../pages/verify/refused.tsx";
import { sendAgain, showCheck, showDone, takeCode } from "./check.ts";
import { showEntry, takeEntry } from "./entry.ts";
import {
  checkFramed,
  codeBody,
  finishFramed,
  ownBody,
  sendFramedAgain,
  sentBody,
  showFrame,
  startBody,
  startFramed,
  tellFramed,
} from "./frame.ts";
import { limitGuesses, limitOpenings, limitSends } from "./limits.ts";
import { showLink, takeLink } from "./link.ts";
import { showRecovery, stopRecovery } from "./recovery.ts";
import { trouble } from "./setting.ts";

/** `/app`: the hosted page as mobile apps open it (Cotter §8.1). */
export function appPageRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(noStore, refuseFrames);
  routes.get("/", limitSends, limitOpenings, showEntry);
  routes.post("/", limitSends, limitOpenings, takeEntry);
  routes.get("/check/:id", showCheck);
  routes.post("/check/:id", limitGuesses, takeCode);
  routes.get("/check/:id/done", showDone);
  routes.post("/check/:id/again", limitSends, sendAgain);
  routes.get("/link/:id", showLink);
  routes.post("/link/:id", takeLink);
  routes.get("/recovery/:id", limitOpenings, showRecovery);
  routes.post("/recovery/:id", limitOpenings, stopRecovery);
  return routes;
}

const refuse: RefuseMalformed = (c, refusal) => c.json({ error: refusal.detail }, 400);

/** `/signup` and `/login`: the same inside a page of the client (Cotter §8.2). */
export function framedPageRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(noStore);
  routes.get("/", limitOpenings, showFrame);
  routes.post("/start", limitSends, limitOpenings, jsonBody(startBody, refuse), (c) =>
    startFramed(c, c.req.valid("json")),
  );
  routes.post("/check", limitGuesses, jsonBody(codeBody, refuse), (c) => checkFramed(c, c.req.valid("json")));
  routes.post("/again", limitSends, jsonBody(ownBody, refuse), (c) =>
    sendFramedAgain(c, c.req.valid("json")),
  );
  routes.post("/sent", jsonBody(sentBody, refuse), (c) => tellFramed(c, c.req.valid("json")));
  routes.post("/finish", jsonBody(ownBody, refuse), (c) => finishFramed(c, c.req.valid("json")));
  return routes;
}

const renderFault: RenderFault = async (c, status, retryAfter) => {
  if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
  return await trouble(c, status < 500 ? "request" : "fault", { status });
};

/** The pages as the app mounts them; what fails behind them is a page too. */
export const pageDoors = (): readonly Door[] => [
  { prefix: "/app", routes: appPageRoutes(), renderFault },
  { prefix: "/signup", routes: framedPageRoutes(), renderFault },
  { prefix: "/login", routes: framedPageRoutes(), renderFault },
];
