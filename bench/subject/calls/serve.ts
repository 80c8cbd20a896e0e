/** A Worker that makes a sign-in's calls and nothing else, on the same runtime as the product. */
import { join } from "node:path";
import { applySql, serveBare } from "../bare.ts";

const TABLES = `
create table users (id text primary key, name text, key text) without rowid;
create table grants (user_id text, id text, listing text, primary key (user_id, id)) without rowid;
create table events (id text primary key, user_id text, event text) without rowid;
create index events_user on events (user_id, id);`;

const bare = await serveBare({ config: join(import.meta.dirname, "wrangler.toml"), script: "worker.js" });
await applySql(bare.miniflare, TABLES);
process.once("SIGTERM", () => void bare.stop().finally(() => process.exit(0)));
console.log(JSON.stringify({ origin: bare.origin }));
