import { type Child, h } from "../../phone/src/dom.ts";
import {
  type At,
  button,
  facts,
  field,
  form,
  heading,
  linesOf,
  linkTo,
  mark,
  moment,
  note,
  pages,
  surely,
  type View,
} from "./parts.ts";
import { patchOf } from "./patch.ts";
import type { Row } from "./row.ts";

const GRANTS = {
  authorization_code: "Sign-in by redirect",
  refresh_token: "Stay signed in",
  "urn:ietf:params:oauth:grant-type:device_code":
    "Device grant: televisions, terminals, pages without a redirect",
  "urn:openid:params:grant-type:ciba": "CIBA: a backend asks a user",
} as const;
const USUAL: readonly string[] = ["authorization_code", "refresh_token"];

/** Members of a client that may be changed. */
const CHANGEABLE = [
  "name",
  "redirect_uris",
  "allowed_origins",
  "grant_types",
  "public_keys",
  "webhook_url",
  "notification_endpoint",
  "settings",
] as const;

const line = (client: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("a", { href: linkTo("clients", client.client_id) }, client.name),
    h("p", { class: "soft" }, client.client_id),
  ),
  h("div", { class: "tools" }, ...marks(client)),
];

const marks = (client: Row): HTMLElement[] => [
  mark(client.kind),
  ...(client.realm === "main" ? [] : [mark(`realm ${client.realm}`)]),
  ...(client.disabled ? [mark("disabled", "bad")] : []),
];

/** Every client, and a form for a new one. */
export const clients: View = async (at) => {
  if (at.id !== undefined) return await one(at, at.id);
  return [
    heading("Clients"),
    h("p", { class: "soft" }, "The applications that may ask."),
    ...(await pages(at, "/admin/clients", "clients", line)),
    h("h2", {}, "A new client"),
    newClient(at),
  ];
};

function newClient(at: At): HTMLElement {
  const name = h("input", { required: true, maxlength: 100, autocomplete: "off" });
  const id = h("input", { maxlength: 130, autocomplete: "off", spellcheck: "false" });
  const kind = h(
    "select",
    {},
    h("option", { value: "public" }, "Public"),
    h("option", { value: "confidential" }, "Confidential"),
  );
  const redirects = h("textarea", { spellcheck: "false" });
  const origins = h("textarea", { spellcheck: "false" });
  const grants = Object.entries(GRANTS).map(([value, label]) => {
    const box = h("input", { type: "checkbox", value, checked: USUAL.includes(value) });
    return { box, row: h("label", { class: "choice" }, box, label) };
  });
  const place = h("div");
  const parts = [
    field("Name, as users see it", name),
    field("Client id", id, { hint: "Leave empty for a random one" }),
    field("Kind", kind, {
      hint: "Public: a page, an app, a terminal. Confidential: a backend, with a secret",
    }),
    h("fieldset", { class: "field wide" }, h("legend", {}, "It may use"), ...grants.map(({ row }) => row)),
    field("Redirect addresses, one a line", redirects, { wide: true }),
    field("Origins of its pages, one a line", origins, { wide: true }),
  ];
  const made = form("Make the client", parts, async () => {
    const client = await at.api("POST", "/admin/clients", {
      name: name.value.trim(),
      kind: kind.value,
      ...(id.value.trim() === "" ? {} : { client_id: id.value.trim() }),
      redirect_uris: linesOf(redirects),
      allowed_origins: linesOf(origins),
      grant_types: grants.flatMap(({ box }) => (box.checked ? box.value : [])),
    });
    place.replaceChildren(
      note(
        "good",
        h("p", {}, "Made: ", h("a", { href: linkTo("clients", client.client_id) }, client.client_id)),
        ...secretsOf(client),
      ),
    );
    made.reset();
  });
  return h("div", {}, place, made);
}

/** Secrets that the answer shows this once. */
const secretsOf = ({ client_secret: secret, webhook_secret: webhook }: Row): Child[] =>
  secret === undefined
    ? []
    : [
        h("p", {}, "Copy these now. They are not shown again."),
        h("p", {}, "Client secret: ", h("code", { class: "secret" }, secret)),
        h("p", {}, "Secret of its webhooks: ", h("code", { class: "secret" }, webhook)),
      ];

async function one(at: At, id: string): Promise<readonly Child[]> {
  const path = `/admin/clients/${encodeURIComponent(id)}`;
  const client = await at.api("GET", path);
  const place = h("div");
  const isSecret = client.kind === "confidential";
  return [
    heading(client.name),
    h("div", { class: "tools" }, ...marks(client)),
    facts({
      "Client id": client.client_id,
      Realm: client.realm,
      Made: moment(client.created_at),
      Changed: moment(client.updated_at),
      ...(client.disabled ? { Disabled: moment(client.disabled_at) } : {}),
    }),
    h("p", {}, h("a", { href: linkTo("audit", undefined, { client_id: id }) }, "What happened with it")),
    h("h2", {}, "What it may"),
    edit(at, path, client),
    ...(isSecret ? [h("h2", {}, "Its secret"), place, newSecret(at, path, place)] : []),
    h("h2", {}, "Access"),
    client.disabled
      ? button("Let it work again", async () => {
          await at.api("PATCH", path, { disabled: false });
          at.again();
        })
      : surely("Disable", "Nobody can sign in by this client then. Its sessions stay.", async () => {
          await at.api("DELETE", path);
          at.again();
        }),
  ];
}

const newSecret = (at: At, path: string, place: HTMLElement): HTMLElement =>
  surely("Make a new secret", "The old one works for another day.", async () => {
    const told = await at.api("POST", `${path}/secret`, {});
    place.replaceChildren(
      note(
        "good",
        ...secretsOf(told),
        h("p", {}, "The old one works until ", moment(told.old_secret_valid_until), "."),
      ),
    );
  });

/** What may be changed, as the admin API spells it: each setting has its name there, and the server says what is wrong with one. */
function edit(at: At, path: string, client: Row): HTMLElement {
  const before = Object.fromEntries(CHANGEABLE.map((name) => [name, client[name]]));
  const area = h("textarea", { class: "long", spellcheck: "false" });
  area.value = JSON.stringify(before, null, 2);
  const hint =
    "JSON, as in the admin API (docs/admin-api.md). A setting that is taken out goes back to its default.";
  return form("Save", [field("Configuration", area, { wide: true, hint })], async () => {
    const patch = patchOf(before, parsed(area.value));
    if (Object.keys(patch).length === 0) throw new Error("Nothing was changed.");
    await at.api("PATCH", path, patch);
    at.again();
  });
}

function parsed(text: string): Row {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new Error("This is no JSON object. Look for a missing comma or quote.");
}
