import { type Context, Hono } from "hono";
import { answersFor } from "../../../core/device/answers-for.ts";
import type { Device } from "../../../core/device/device.ts";
import { registerUser } from "../../../core/user/create.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { jsonBody } from "../../../http/json-body.ts";
import { refuse } from "../errors.ts";
import { createUserBody, methodBody } from "../schema.ts";
import { METHOD } from "../signed/signing-input.ts";
import { userWire, zeroUser } from "../translate.ts";
import { nameClaimer } from "./claimer.ts";
import { identifyKeyOf } from "./device-texts.ts";
import { handOver } from "./enrolment-key.ts";
import { changeMethod } from "./methods.ts";
import { type Arriving, arrivingAt, knownOf } from "./people.ts";
import { placeHint } from "./place-hint.ts";

/** Rows 1-7 of Cotter §3.1: the user, and the device methods enrolled for them. */
export function userRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/create", jsonBody(createUserBody, refuse), async (c) => {
    const { limits } = services(c);
    const origin = originOf(c);
    if (c.req.query("oauth_token") === "true") {
      return refuse(c, {
        code: "not_allowed",
        detail: "A new user is not signed in before a device is enrolled",
      });
    }
    if (!(await limits.start(origin.ip))) return tooManyFromHere(c);
    const body = c.req.valid("json");
    const identifiers = [
      ...new Set([body.identifier, ...body.identifiers].filter((name) => name)),
    ] as string[];
    if (identifiers.length === 0 && !body.client_user_id) {
      return refuse(c, { code: "malformed", detail: "identifier: expected string" });
    }
    const registered = await registerUser(services(c), {
      client: c.get("client"),
      ...(body.client_user_id ? { externalId: body.client_user_id } : {}),
      identifiers,
      ...placeHint(c.req.raw),
    });
    if (!registered.ok) return refuse(c, registered.error);
    handOver(c, registered.value.user.id);
    await nameClaimer(c, registered.value.user.id);
    return c.json(userWire(registered.value, c.get("client"), [], "everything"));
  });
  routes.get("/", async (c) => {
    const given = c.req.query("identifier");
    if (given === undefined) return refuse(c, { code: "malformed", detail: "identifier: expected string" });
    const person = await arrivingAt(c, given);
    return c.json(person ? await shown(c, person) : zeroUser(c.get("client")));
  });
  routes.get("/methods", async (c) => {
    const { cotter_user_id = "", method = "", public_key = "" } = c.req.query();
    return c.json(await enrolment(c, cotter_user_id, method, public_key));
  });
  routes.put("/methods", jsonBody(methodBody, refuse), (c) =>
    changeMethod(c, c.req.query("cotter_user_id") ?? "", c.req.valid("json")),
  );
  routes.get("/enrolled/any/:user/:method", async (c) => {
    const person = await knownOf(c, c.req.param("user"));
    const devices = person ? await services(c).devices.ofUser(person.record.user.id) : [];
    const isEnrolled = devices.some((device) => answersFor(c.get("client"), device));
    return c.json({ enrolled: c.req.param("method") === METHOD && isEnrolled, method: METHOD });
  });
  routes.get("/enrolled/:user/:method/:key", async (c) => {
    const { user, method, key } = c.req.param();
    return c.json(await enrolment(c, user, method, key));
  });
  routes.get("/:user", async (c) => {
    const person = await arrivingAt(c, c.req.param("user"));
    return person ? c.json(await shown(c, person)) : refuse(c, { code: "unknown_user" });
  });
  routes.put("/:user", jsonBody(methodBody, refuse), (c) =>
    changeMethod(c, c.req.param("user"), c.req.valid("json")),
  );
  return routes;
}

/** An anonymous caller is told no address but the one that they asked by; whoever begins a sign-up has brought all of it. */
async function shown(c: Context<AppEnv>, { record, name, signUp }: Arriving) {
  const { client } = c.var;
  if (signUp) return userWire(record, client, [], "everything");
  const [devices, isBackend] = await Promise.all([
    services(c).devices.ofUser(record.user.id),
    holdsSecret(c),
  ]);
  return userWire(record, client, devices, isBackend ? "everything" : { name });
}

/** Whether the call brings the client's own secret. Some SDKs fill the header with anything, so a wrong one is as good as none. */
async function holdsSecret(c: Context<AppEnv>): Promise<boolean> {
  const { clients, clock, secrets } = services(c);
  const { client } = c.var;
  const secret = c.req.header("API_SECRET_KEY");
  if (!secret || secret === client.id || client.kind === "public") return false;
  return (await clients.findBySecret(await secrets.hash(secret), clock.now()))?.id === client.id;
}

/** Whether this exact key can answer here for this user: rows 6 and 7. What is unknown or unreadable is simply not enrolled. */
async function enrolment(c: Context<AppEnv>, user: string, method: string, key: string) {
  const device = method === METHOD ? await liveDevice(c, user, key) : undefined;
  return { enrolled: device !== undefined && answersFor(c.get("client"), device), method: METHOD };
}

async function liveDevice(c: Context<AppEnv>, user: string, given: string): Promise<Device | undefined> {
  const { devices } = services(c);
  const key = await identifyKeyOf(services(c), given);
  const person = key ? await knownOf(c, user) : undefined;
  if (!key || !person) return undefined;
  return liveOne(await devices.ofUserByFingerprint(person.record.user.id, key.fingerprint));
}

const liveOne = (device: Device | undefined): Device | undefined =>
  device?.revokedAt === undefined ? device : undefined;

const tooManyFromHere = (c: Context<AppEnv>): Response =>
  refuse(c, { code: "too_many", scope: "ip", retryAt: services(c).clock.now() + 60_000 });
