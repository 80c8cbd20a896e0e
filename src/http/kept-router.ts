import { METHODS, type Result, type Router } from "hono/router";
import { RegExpRouter } from "hono/router/reg-exp-router";
import { SmartRouter } from "hono/router/smart-router";
import { TrieRouter } from "hono/router/trie-router";

const KNOWN: ReadonlySet<string> = new Set(METHODS.map((method) => method.toUpperCase()));
/** What makes a route stand for more than one path. */
const PATTERN = /[:*{?]/;

/**
 * Hono's own routers, behind a memory of what they have found for the paths that are routes as they stand. No caller can make it grow:
 * other paths and methods are looked up each time.
 */
export class KeptRouter<T> implements Router<T> {
  readonly name = "KeptRouter";
  readonly #routes = new SmartRouter<T>({ routers: [new RegExpRouter(), new TrieRouter()] });
  readonly #plain = new Set<string>();
  readonly #kept = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    if (!PATTERN.test(path)) this.#plain.add(path);
    this.#routes.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    if (!this.#plain.has(path) || !KNOWN.has(method)) return this.#routes.match(method, path);
    const name = `${method} ${path}`;
    const found = this.#kept.get(name) ?? this.#routes.match(method, path);
    this.#kept.set(name, found);
    return found;
  }
}
