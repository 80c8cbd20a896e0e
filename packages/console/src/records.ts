import { type Child, h } from "../../phone/src/dom.ts";
import {
  type At,
  exact,
  facts,
  field,
  form,
  heading,
  linkTo,
  listOf,
  mark,
  moment,
  note,
  pages,
  surely,
  type View,
} from "./parts.ts";
import type { Row } from "./row.ts";
import { shown } from "./shown.ts";

const FILTERS = { user_id: "User id", client_id: "Client id", type: "Type" } as const;

/** The audit trail, newest first, by user, client or type. */
export const audit: View = async (at) => {
  const inputs = Object.entries(FILTERS).map(([name, label]) => {
    const input = exact();
    input.value = at.query.get(name) ?? "";
    return { name, label, input };
  });
  const asked = () =>
    Object.fromEntries(
      inputs.flatMap(({ name, input }) => (input.value.trim() ? [[name, input.value.trim()]] : [])),
    );
  const filter = new URLSearchParams(asked());
  return [
    heading("Audit trail"),
    form(
      "Show",
      inputs.map(({ label, input }) => field(label, input)),
      async () => at.go(linkTo("audit", undefined, asked())),
    ),
    ...(await pages(at, `/admin/audit?${filter}`, "events", eventLine)),
  ];
};

/** Clients that nobody registered are named by addresses and are not in the list. */
const clientOf = (id: string): Child =>
  /^[\w.~=-]+$/.test(id) ? h("a", { href: linkTo("clients", id) }, id) : shown(id);

const eventLine = (event: Row): Child =>
  h(
    "details",
    {},
    h(
      "summary",
      {},
      moment(event.at),
      h("strong", {}, event.type),
      h("span", { class: "soft" }, shown(event.actor)),
    ),
    facts({
      ...(event.user_id ? { User: h("a", { href: linkTo("users", event.user_id) }, event.user_id) } : {}),
      ...(event.client_id ? { Client: clientOf(event.client_id) } : {}),
      ...(event.device_id ? { Device: event.device_id } : {}),
      ...(event.ip ? { Address: event.ip } : {}),
      ...(event.reason ? { Reason: shown(event.reason) } : {}),
    }),
    event.data === null
      ? undefined
      : h("pre", {}, JSON.stringify(event.data, null, 2).split("\n").map(shown).join("\n")),
  );

/** Lanes that the admin API rotates, and what comes of it. */
const ROTATES: Readonly<Record<string, string>> = {
  standard:
    "the new one is published now and signs in seven minutes. Tokens by the old one are taken for another 24 hours.",
  rs256:
    "the new one is published now and signs in seven minutes. Tokens by the old one are taken for another 24 hours.",
  cotter: "the new one signs at once. Backends that keep the old key have to be restarted.",
};

/** The signing keys, and how to begin a new one. */
export const keys: View = async (at) => {
  const { keys: all } = await at.api("GET", "/admin/keys");
  const lanes = [...new Set<string>(all.map(({ lane }: Row) => lane))].filter((lane) =>
    Object.hasOwn(ROTATES, lane),
  );
  return [
    heading("Signing keys"),
    listOf(all, keyLine),
    h("h2", {}, "A new key"),
    h(
      "p",
      { class: "soft" },
      "The standard key is replaced by itself. If a key may be stolen, read “Rotating” in docs/operating.md first.",
    ),
    ...lanes.map((lane) => rotation(at, lane)),
  ];
};

const rotation = (at: At, lane: string): HTMLElement =>
  surely({
    label: `Replace the ${lane} key`,
    what: `key of the lane ${lane}`,
    question: ROTATES[lane] ?? "",
    act: async () => {
      await at.api("POST", "/admin/keys/rotate", { lane });
      at.again("Begun.");
    },
  });

const keyLine = (key: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("strong", {}, key.lane),
    h("p", { class: "soft" }, key.kid),
    h("p", { class: "soft" }, `${key.algorithm}, signs from `, moment(key.activates_at)),
    key.published_until === null
      ? undefined
      : h("p", { class: "soft" }, "in the key set until ", moment(key.published_until)),
  ),
  h("div", { class: "tools" }, mark(key.state)),
];

/** How the deployment stands. */
export const overview: View = async (at) => {
  const { environment, issuer, sends, notes } = await at.api("GET", "/healthz");
  return [
    heading("Overview"),
    ...(notes ?? []).map((words: string) => note("error", h("p", {}, words))),
    facts({
      Address: issuer,
      Environment: environment,
      "Messages go by": sends?.length > 0 ? sends.join(", ") : "nothing",
    }),
    h("p", { class: "soft" }, "The database and the signing keys can be used."),
    h("h2", {}, "What happened last"),
    ...(await pages(at, "/admin/audit", "events", eventLine)),
  ];
};
