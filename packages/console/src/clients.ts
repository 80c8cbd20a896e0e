import { type Child, h } from "../../phone/src/dom.ts";
import {
  type At,
  button,
  exact,
  facts,
  field,
  form,
  heading,
  linesOf,
  linkTo,
  mark,
  moment,
  pages,
  surely,
  type View,
} from "./parts.ts";
import { missingIn, patchOf } from "./patch.ts";
import type { Row } from "./row.ts";
import { shown } from "./shown.ts";

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
    h("a", { href: linkTo("clients", client.client_id) }, shown(client.name)),
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
  const [id, realm] = [exact({ maxlength: "130" }), exact({ maxlength: "128" })];
  const kind = h(
    "select",
    {},
    h("option", { value: "public" }, "Public"),
    h("option", { value: "confidential" }, "Confidential"),
  );
  const [redirects, origins] = [
    h("textarea", { spellcheck: "false" }),
    h("textarea", { spellcheck: "false" }),
  ];
  const grants = Object.entries(GRANTS).map(([value, label]) => {
    const box = h("input", { type: "checkbox", value, checked: USUAL.includes(value) });
    return { box, row: h("label", { class: "choice" }, box, label) };
  });
  const parts = [
    field("Name, as users see it", name),
    field("Client id", id, { hint: "Leave empty for a random one" }),
    field("Kind", kind, {
      hint: "Public: a page, an app, a terminal. Confidential: a backend, with a secret",
    }),
    field("Realm", realm, { hint: "Whose users it shares. Empty is main. It can never be changed" }),
    h("fieldset", { class: "field wide" }, h("legend", {}, "It may use"), ...grants.map(({ row }) => row)),
    field("Redirect addresses, one a line", redirects, { wide: true }),
    field("Origins of its pages, one a line", origins, { wide: true }),
  ];
  return form("Make the client", parts, async () => {
    const client = await at.api("POST", "/admin/clients", {
      name: name.value.trim(),
      kind: kind.value,
      ...(id.value.trim() === "" ? {} : { client_id: id.value.trim() }),
      ...(realm.value.trim() === "" ? {} : { realm: realm.value.trim() }),
      redirect_uris: linesOf(redirects),
      allowed_origins: linesOf(origins),
      grant_types: grants.flatMap(({ box }) => (box.checked ? box.value : [])),
    });
    if (client.client_secret !== undefined) keepSecrets(at, client);
    at.go(linkTo("clients", client.client_id));
  });
}

/** Secrets that the answer shows this once. They stay until they are put away, whichever view is open. */
const keepSecrets = (at: At, { client_id: id, client_secret: secret, webhook_secret: webhook }: Row): void =>
  at.keep(
    h("p", {}, "Copy these now, they are not shown again. Client ", h("strong", {}, id)),
    h("p", {}, "Client secret: ", h("code", { class: "secret" }, secret)),
    h("p", {}, "Secret of its webhooks: ", h("code", { class: "secret" }, webhook)),
  );

async function one(at: At, id: string): Promise<readonly Child[]> {
  const path = `/admin/clients/${encodeURIComponent(id)}`;
  const client = await at.api("GET", path);
  const isSecret = client.kind === "confidential";
  return [
    heading(shown(client.name)),
    h("div", { class: "tools" }, ...marks(client)),
    facts({
      "Client id": client.client_id,
      Realm: client.realm,
      Made: moment(client.created_at),
      Changed: moment(client.updated_at),
      ...(client.disabled ? { Disabled: moment(client.disabled_at) } : {}),
    }),
    h("p", {}, h("a", { href: linkTo("audit", undefined, { client_id: id }) }, "Audit trail of this client")),
    h("h2", {}, "Configuration"),
    edit(at, path, client),
    ...(isSecret ? [h("h2", {}, "Secret"), newSecret(at, path, client)] : []),
    h("h2", {}, "Access"),
    access(at, path, client),
  ];
}

const access = (at: At, path: string, client: Row): HTMLElement =>
  client.disabled
    ? button("Enable", async () => {
        await at.api("PATCH", path, { disabled: false });
        at.again("Enabled.");
      })
    : surely({
        label: "Disable",
        what: shown(client.name),
        question: "within 30 seconds nobody can sign in by this client. Its sessions stay.",
        act: async () => {
          await at.api("DELETE", path);
          at.again("Disabled.");
        },
      });

const newSecret = (at: At, path: string, client: Row): HTMLElement =>
  surely({
    label: "Make a new secret",
    what: shown(client.name),
    question: "the old one works for another 24 hours.",
    act: async () => keepSecrets(at, { ...client, ...(await at.api("POST", `${path}/secret`, {})) }),
  });

/** What may be changed, as the admin API spells it: each setting has its name there, and the server says what is wrong with one. */
function edit(at: At, path: string, client: Row): HTMLElement {
  const before = Object.fromEntries(CHANGEABLE.map((name) => [name, client[name]]));
  const area = h("textarea", { class: "long", spellcheck: "false" });
  area.value = JSON.stringify(before, null, 2);
  const hint =
    "JSON, as in the admin API (docs/admin-api.md). A setting that is taken out goes back to its default.";
  return form("Save", [field("As JSON", area, { wide: true, hint })], async () => {
    const after = parsed(area.value);
    const [missing] = missingIn(before, after);
    if (missing !== undefined) throw new Error(`${missing} is missing. To empty it, write [], {} or null.`);
    const patch = patchOf(before, after);
    if (Object.keys(patch).length === 0) throw new Error("Nothing was changed.");
    // A list goes whole: what a colleague has changed meanwhile would come back.
    const now = await at.api("GET", path);
    if (now.updated_at !== client.updated_at) {
      throw new Error(
        "Somebody has changed this client meanwhile. Copy your text, and open the client anew.",
      );
    }
    await at.api("PATCH", path, patch);
    at.again("Saved.");
  });
}

function parsed(text: string): Row {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new Error("This is no JSON object. Look for a missing comma or quote.");
}
