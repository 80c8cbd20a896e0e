/** One page of a list, and where the next one begins; `next` is absent on the last page. */
export type Page<Row> = { readonly rows: readonly Row[]; readonly next?: string };

/** Rows that a list answers at once. */
export const PAGE_SIZE = 50;

/** Cuts a page out of `found`, which was asked for one row more than `size`; `keyOf` is what the next page goes on after. */
export function pageOf<Row>(
  found: readonly Row[],
  keyOf: (row: Row) => string,
  size: number = PAGE_SIZE,
): Page<Row> {
  const rows = found.slice(0, size);
  const last = rows.at(-1);
  return last === undefined || found.length === rows.length ? { rows } : { rows, next: keyOf(last) };
}
