import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";

async function objects(): Promise<DurableObjectStub[]> {
  const all = [env.CHALLENGES, env.INBOXES].map(async (namespace) =>
    (await listDurableObjectIds(namespace)).map((id) => namespace.get(id)),
  );
  return (await Promise.all(all)).flat();
}

// Objects of earlier files are empty, but still have their names.
const earlier = new Set((await objects()).map(({ id }) => String(id)));

/** Everything that D1 and the objects hold. */
export async function everythingAtRest() {
  const tables = await env.DB.prepare("select name from sqlite_master where type = 'table'").all<{
    name: string;
  }>();
  const names = tables.results.map(({ name }) => name).filter((name) => !/^(_cf|sqlite_)/.test(name));
  const rows = await Promise.all(names.map((name) => env.DB.prepare(`select * from "${name}"`).all()));
  const held: unknown[] = [];
  for (const object of await objects()) {
    if (earlier.has(String(object.id))) continue;
    await runInDurableObject(object, (_object, state) => void held.push([...state.storage.kv.list()]));
  }
  return { names, held, text: JSON.stringify([rows.map(({ results }) => results), held]) };
}
