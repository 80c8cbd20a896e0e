/** The record's own member of this name: a caller's word such as `constructor` names none of those that every object inherits. */
export const own = <T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
