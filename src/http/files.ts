import type { Files } from "../core/ports/edge.ts";

/** Static files by their binding, which looks at the path alone. */
export const makeFiles = (assets: Pick<Fetcher, "fetch">): Files => ({
  async find(path) {
    const { status, body, headers } = await assets.fetch(`https://assets${path}`);
    return status === 200 && body ? { body, headers } : undefined;
  },
});
