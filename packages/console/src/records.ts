import { type Child, h } from "../../phone/src/dom.ts";
import {
  type At,
  facts,
  field,
  form,
  heading,
  linkTo,
  mark,
  moment,
  note,
  pages,
  surely,
  type View,
} from "./parts.ts";
import type { Row } from "./row.ts";

const FILTERS = { user_id: "User id", client_id: "Client id", type: "Type" } as const;

/** The audit trail, newest first, by user, client or type. */
export const audit: View = async (at) => {
  const inputs = Object.entries(FILTERS).map(([name, label]) => {
    const input = h("input", { autocomplete: "off", spellcheck: "false" });
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
      async () => {
        location.hash = linkTo("audit", undefined, asked());
      },
    ),
    ...(await pages(at, `/admin/audit?${filter}`, "events", eventLine)),
  ];
};

const eventLine = (event: Row): Child =>
  h(
    "details",
    {},
    h(
      "summary",
      {},
      moment(event.at),
      h("strong", {}, event.type),
      h("span", { class: "soft" }, event.actor),
    ),
    facts({
      ...(event.user_id ? { User: h("a", { href: linkTo("users", event.user_id) }, event.user_id) } : {}),
      ...(event.client_id
        ? { Client: h("a", { href: linkTo("clients", event.client_id) }, event.client_id) }
        : {}),
      ...(event.device_id ? { Device: event.device_id } : {}),
      ...(event.ip ? { Address: event.ip } : {}),
      ...(event.reason ? { Reason: event.reason } : {}),
    }),
    event.data === null ? undefined : h("pre", {}, JSON.stringify(event.data, null, 2)),
  );

/** The signing keys, and how to begin a new one. */
export const keys: View = async (at) => {
  const { keys: all } = await at.api("GET", "/admin/keys");
  const lanes = [...new Set(all.map(({ lane }: Row) => lane))].filter((lane) =>
    ROTATES.includes(lane as string),
  );
  return [
    heading("Signing keys"),
    h("ul", { class: "list" }, ...all.map((key: Row) => h("li", {}, keyLine(key)))),
    h("h2", {}, "A new key"),
    h("p", { class: "soft" }, "The standard key is replaced by itself. Do it by hand when one may be known."),
    ...lanes.map((lane) => rotation(at, String(lane))),
  ];
};

/** Lanes that the admin API rotates. */
const ROTATES: readonly string[] = ["standard", "rs256", "cotter"];

const rotation = (at: At, lane: string): HTMLElement =>
  surely(`Replace the ${lane} key`, questionOf(lane), async () => {
    await at.api("POST", "/admin/keys/rotate", { lane });
    at.again();
  });

const questionOf = (lane: string): string =>
  lane === "cotter"
    ? "It signs at once, and apps that keep the old key take no new token."
    : "It is published now and signs in seven minutes.";

const keyLine = (key: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("strong", {}, key.lane),
    h("p", { class: "soft" }, key.kid),
    h("p", { class: "soft" }, `${key.algorithm}, signs from `, moment(key.activates_at)),
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
