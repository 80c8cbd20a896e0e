import { vi } from "vitest";
import type { Services } from "../../../src/core/ports/services.ts";
import type { Answer, Deployment, Json } from "./cotter.ts";
import { browser, type PageDeployment, pageDeployment } from "./page.ts";

/** The platform's counter for addresses, by the driven clock. */
function limiter(limit: number) {
  const counts = new Map<string, number>();
  let minute = 0;
  return {
    async limit({ key }: { key: string }) {
      const now = Math.floor(Date.now() / 60_000);
      if (now !== minute) counts.clear();
      minute = now;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      return { success: count <= limit };
    },
  };
}

export type World = PageDeployment & {
  /** The doors that speak JSON, as a caller at this address reaches them. */
  from(ip: string): Deployment;
  /** A browser at this address. */
  browserAt(ip: string): ReturnType<typeof browser>;
};

/** The whole Worker with limits for an address on, as in production. */
export function world(
  change: (services: Services, whole: Services) => Partial<Services> = () => ({}),
  over: Record<string, unknown> = {},
): World {
  const at = pageDeployment(
    {
      IP_LIMITS: "on",
      LIMIT_START: limiter(60),
      LIMIT_WAIT: limiter(600),
      LIMIT_MISS: limiter(30),
      LIMIT_ADMIN: limiter(300),
      LIMIT_READ: limiter(1_800),
      LIMIT_SEND: limiter(10),
      ...over,
    },
    change,
  );
  const from = (ip: string): Deployment => ({
    services: at.services,
    settled: async () => undefined,
    async call(method, path, body, headers = {}): Promise<Answer> {
      const answer = await at.ask(path, {
        method,
        headers: {
          "CF-Connecting-IP": ip,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        body: text === "" ? {} : (JSON.parse(text) as Json),
        headers: answer.headers,
      };
    },
  });
  return { ...at, from, browserAt: (ip) => browser(at, { "CF-Connecting-IP": ip }) };
}

/** Addresses of the documentation ranges: the user's own, and the stranger's. */
export const HOME = "192.0.2.7";
export const STRANGER = "198.51.100.9";

export const seconds = (count: number): void => {
  vi.setSystemTime(Date.now() + count * 1_000);
};

export const wrongFor = (code: string | undefined): string => (code === "000000" ? "111111" : "000000");
