/** These members, without the ones that are undefined. */
export type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

export const defined = <T extends object>(members: T): Defined<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Defined<T>;
