// biome-ignore lint/suspicious/noExplicitAny: what the admin API answers, as docs/admin-api.md has it
export type Row = any;
