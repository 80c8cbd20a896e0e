import { serve } from "../processes.ts";

/** Where a served product is, and the password of its admin API. */
export type Place = { readonly origin: string; readonly adminToken: string };

/** Serves the product on bare workerd, in a process of its own, for as long as `use` takes. `env` is for subject/serve.ts. */
export async function withSubject(
  use: (place: Place) => Promise<void>,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { said, stop } = await serve("subject/serve.ts", env);
  try {
    await use({ origin: said.origin, adminToken: String(said.adminToken) });
  } finally {
    await stop();
  }
}
