import { createServer, type RequestListener, request as sendRaw } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import {
  claimsOf as expressClaims,
  requireAccessToken as expressGuard,
} from "../../packages/countersign/src/verify/for/express.ts";
import {
  claimsOf as fastifyClaims,
  requireAccessToken as fastifyGuard,
} from "../../packages/countersign/src/verify/for/fastify.ts";
import {
  withAccessToken as fetchGuard,
  type GuardOptions,
} from "../../packages/countersign/src/verify/for/fetch.ts";
import { requireAccessToken as honoGuard } from "../../packages/countersign/src/verify/for/hono.ts";
import { withAccessToken as nextGuard } from "../../packages/countersign/src/verify/for/next.ts";
import type { AccessTokenClaims } from "../../packages/countersign/src/verify/verify.ts";

export type Called = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly host?: string;
};
export type Answered = { readonly status: number; readonly headers: Headers; readonly body: unknown };

/** An API behind a middleware: `/orders/:id` answers whose token came, and what else its route was given. */
export type Api = {
  call(path: string, called?: Called): Promise<Answered>;
  /** The name of the middleware, as a stack trace has it. */
  readonly name: string;
  /** How often the route behind it ran. */
  ran(): number;
  close(): Promise<void>;
};

export type Framework = (options: GuardOptions) => Promise<Api>;

const shown = ({ sub, client_id, scope }: AccessTokenClaims) => ({ sub, client_id, scope });

/** Over HTTP, also with a `Host` that is not the server's. */
async function callOver(
  port: number,
  path: string,
  { method = "GET", headers, host }: Called,
): Promise<Answered> {
  return await new Promise((done, fail) => {
    const asked = sendRaw(
      { port, host: "127.0.0.1", path, method, headers: { ...headers, ...(host && { host }) } },
      async (answer) => {
        const body = await text(answer);
        const entries = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
        done({
          status: answer.statusCode ?? 0,
          headers: new Headers(entries as [string, string][]),
          body: readBody(body),
        });
      },
    );
    asked.once("error", fail);
    asked.end();
  });
}

function readBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

async function listen(listener: RequestListener): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((closed) => server.close(() => closed())) };
}

type Handle = (request: Request) => Response | Promise<Response>;

/** A handler of the web's own kind, called as its runtime does. */
async function callWeb(
  handle: Handle,
  path: string,
  { method = "GET", headers, host }: Called,
): Promise<Answered> {
  const request = new Request(`http://${host ?? "127.0.0.1:3000"}${path}`, {
    method,
    headers: headers ?? {},
  });
  const answer = await handle(request);
  return { status: answer.status, headers: answer.headers, body: readBody(await answer.text()) };
}

export const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  async express(options) {
    let ran = 0;
    const guard = expressGuard(options);
    const orders = express.Router();
    // Below a mounted router `req.url` is cut; a proof is for the whole path.
    orders.get("/:id", guard, (request, response) => {
      ran += 1;
      response.json({ ...shown(expressClaims(request)), ...(request.claims && { more: request.params.id }) });
    });
    const app = express();
    app.use("/orders", orders);
    app.use(((error, _request, response, _next) => {
      response.status(500).json({ thrown: String(error.message) });
    }) satisfies express.ErrorRequestHandler);
    const { port, close } = await listen(app);
    return {
      call: (path, called = {}) => callOver(port, path, called),
      name: guard.name,
      ran: () => ran,
      close,
    };
  },

  async fastify(options) {
    let ran = 0;
    const guard = fastifyGuard(options);
    const app = fastify();
    app.setErrorHandler((error: Error, _, reply) => reply.code(500).send({ thrown: error.message }));
    app.register(
      async (orders) => {
        orders.addHook("onRequest", guard);
        orders.get<{ Params: { id: string } }>("/:id", async (request) => {
          ran += 1;
          return { ...shown(fastifyClaims(request)), more: request.params.id };
        });
      },
      { prefix: "/orders" },
    );
    await app.listen({ port: 0, host: "127.0.0.1" });
    const { port } = app.server.address() as AddressInfo;
    return {
      call: (path, called = {}) => callOver(port, path, called),
      name: guard.name,
      ran: () => ran,
      close: () => app.close(),
    };
  },

  async hono(options) {
    let ran = 0;
    const guard = honoGuard(options);
    const orders = new Hono().get("/:id", guard, (c) => {
      ran += 1;
      return c.json({ ...shown(c.var.claims), more: c.req.param("id") });
    });
    const app = new Hono().route("/orders", orders);
    app.onError((error, c) => c.json({ thrown: error.message }, 500));
    const handle: Handle = (request) => app.fetch(request);
    return {
      call: (path, called = {}) => callWeb(handle, path, called),
      name: guard.name,
      ran: () => ran,
      close,
    };
  },

  async next(options) {
    let ran = 0;
    type Context = { readonly params: Promise<{ readonly id: string }> };
    // As `export const GET` of app/orders/[id]/route.ts.
    const GET = nextGuard<Request, Context>(options, async (_request, { params, claims }) => {
      ran += 1;
      return Response.json({ ...shown(claims), more: (await params).id });
    });
    const handle: Handle = async (request) => {
      const id = new URL(request.url).pathname.split("/")[2] ?? "";
      return await caught(() => GET(request, { params: Promise.resolve({ id }) }));
    };
    return {
      call: (path, called = {}) => callWeb(handle, path, called),
      name: GET.name,
      ran: () => ran,
      close,
    };
  },

  async fetch(options) {
    let ran = 0;
    type Env = { readonly SHELF: string };
    // As `export default { fetch }` of a Worker, which is given `env` too.
    const worker = {
      fetch: fetchGuard(options, (request, claims, env: Env) => {
        ran += 1;
        return Response.json({
          ...shown(claims),
          more: new URL(request.url).pathname.replace("/orders/", env.SHELF),
        });
      }),
    };
    const handle: Handle = (request) => caught(() => worker.fetch(request, { SHELF: "" }));
    return {
      call: (path, called = {}) => callWeb(handle, path, called),
      name: worker.fetch.name,
      ran: () => ran,
      close,
    };
  },
};

const close = async (): Promise<void> => undefined;

/** What a runtime makes of a handler that throws. */
async function caught(handle: () => Promise<Response>): Promise<Response> {
  try {
    return await handle();
  } catch (error) {
    return Response.json({ thrown: (error as Error).message }, { status: 500 });
  }
}
