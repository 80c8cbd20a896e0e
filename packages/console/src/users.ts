import { type Child, h } from "../../phone/src/dom.ts";
import {
  type At,
  button,
  facts,
  field,
  form,
  heading,
  linkTo,
  mark,
  moment,
  pages,
  surely,
  type View,
} from "./parts.ts";
import type { Row } from "./row.ts";

const nameOf = (user: Row): string => user.identifiers[0]?.value ?? user.external_id ?? user.user_id;

const marks = (user: Row): HTMLElement[] => [
  ...(user.realm === "main" ? [] : [mark(`realm ${user.realm}`)]),
  ...(user.status === "active" ? [] : [mark(user.status, "bad")]),
];

const line = (user: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("a", { href: linkTo("users", user.user_id) }, nameOf(user)),
    h("p", { class: "soft" }, user.user_id),
  ),
  h("div", { class: "tools" }, ...marks(user)),
];

/** Users by a name of theirs, or page by page, and a form for a new one. */
export const users: View = async (at) => {
  if (at.id !== undefined) return await one(at, at.id);
  const name = at.query.get("name") ?? "";
  return [
    heading("Users"),
    search(name),
    ...(name === "" ? await pages(at, "/admin/users", "users", line) : await found(at, name)),
    h("h2", {}, "A new user"),
    newUser(at),
  ];
};

/** An identifier is compared as its kind is; an external id byte for byte, so both are asked. */
async function found(at: At, name: string): Promise<readonly Child[]> {
  const asked = ["identifier", "external_id"].map((member) =>
    at.api("GET", `/admin/users?${new URLSearchParams({ [member]: name })}`),
  );
  const rows = (await Promise.all(asked)).flatMap(({ users: some }) => some);
  const distinct = [...new Map(rows.map((user: Row) => [user.user_id, user])).values()];
  return distinct.length === 0
    ? [h("p", {}, "Nobody has this name.")]
    : [h("ul", { class: "list" }, ...distinct.map((user) => h("li", {}, line(user))))];
}

function search(name: string): HTMLElement {
  const input = h("input", { type: "search", autocomplete: "off", spellcheck: "false" });
  input.value = name;
  const hint = "An e-mail address, a telephone number, a username, or an app's own name";
  return form("Find", [field("Name", input, { hint, wide: true })], async () => {
    const typed = input.value.trim();
    location.hash = linkTo("users", undefined, typed === "" ? {} : { name: typed });
  });
}

function newUser(at: At): HTMLElement {
  const inputs = {
    email: h("input", { type: "email", autocomplete: "off" }),
    phone: h("input", { type: "tel", autocomplete: "off" }),
    username: h("input", { autocomplete: "off", spellcheck: "false" }),
    external_id: h("input", { autocomplete: "off", spellcheck: "false" }),
  };
  const verified = h("input", { type: "checkbox" });
  const parts = [
    field("E-mail address", inputs.email),
    field("Telephone number", inputs.phone, { hint: "With + and the country" }),
    field("Username", inputs.username),
    field("Your app's own name for them", inputs.external_id),
    h(
      "fieldset",
      { class: "field wide" },
      h("legend", {}, "Addresses"),
      h("label", { class: "choice" }, verified, "I have seen a proof of them: they count as proven"),
    ),
  ];
  return form("Make the user", parts, async () => {
    const given = Object.entries(inputs).flatMap(([name, { value }]) =>
      value.trim() === "" ? [] : [[name, value.trim()]],
    );
    const user = await at.api("POST", "/admin/users", {
      ...Object.fromEntries(given),
      ...(verified.checked ? { verified: true } : {}),
    });
    location.hash = linkTo("users", user.user_id);
  });
}

async function one(at: At, id: string): Promise<readonly Child[]> {
  const path = `/admin/users/${encodeURIComponent(id)}`;
  const [user, { devices }] = await Promise.all([at.api("GET", path), at.api("GET", `${path}/devices`)]);
  const grants = await pages(at, `${path}/grants`, "grants", (grant) => grantLine(at, path, grant));
  const hasGrants = grants.length > 1;
  return [
    heading(nameOf(user)),
    h("div", { class: "tools" }, ...marks(user)),
    facts({
      "User id": user.user_id,
      Realm: user.realm,
      ...(user.external_id === null ? {} : { "An app's own name": user.external_id }),
      Made: moment(user.created_at),
    }),
    h("p", {}, h("a", { href: linkTo("audit", undefined, { user_id: id }) }, "What happened with them")),
    h("h2", {}, "Names"),
    names(user.identifiers),
    h("h2", {}, "Devices"),
    devices.length === 0
      ? h("p", { class: "soft" }, "There are none.")
      : h(
          "ul",
          { class: "list" },
          ...devices.map((device: Row) => h("li", {}, deviceLine(at, path, device))),
        ),
    h("h2", {}, "Sessions"),
    ...grants,
    hasGrants
      ? surely("Sign out everywhere", "All sessions of this user end.", async () => {
          await at.api("DELETE", `${path}/grants`);
          at.again();
        })
      : undefined,
    h("h2", {}, "Account"),
    lock(at, path, user),
    surely("Delete the user", "Sessions, devices and names go. The audit trail stays.", async () => {
      await at.api("DELETE", path);
      location.hash = linkTo("users");
    }),
  ];
}

const names = (identifiers: readonly Row[]): Child =>
  identifiers.length === 0
    ? h("p", { class: "soft" }, "There are none.")
    : h(
        "ul",
        { class: "list" },
        ...identifiers.map((one) =>
          h(
            "li",
            {},
            h("div", { class: "what" }, h("strong", {}, one.value), h("p", { class: "soft" }, saidBy(one))),
            h("div", { class: "tools" }, mark(one.verified ? "proven" : "not proven")),
          ),
        ),
      );

const saidBy = ({ kind, asserted_by: by, client_id: client }: Row): string =>
  `${kind}, given by ${by}${client === null ? "" : ` through ${client}`}`;

const deviceLine = (at: At, path: string, device: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("strong", {}, device.name === "" ? device.kind : device.name),
    h(
      "p",
      { class: "soft" },
      `${device.kind}, through ${device.door} for ${device.client_id}, since `,
      moment(device.enrolled_at),
    ),
  ),
  surely("Remove", "It approves nothing more, and the sessions that it opened end.", async () => {
    await at.api("DELETE", `${path}/devices/${encodeURIComponent(device.device_id)}`);
    at.again();
  }),
];

const grantLine = (at: At, path: string, grant: Row): Child => [
  h(
    "div",
    { class: "what" },
    h("strong", {}, grant.client_id),
    h(
      "p",
      { class: "soft" },
      "since ",
      moment(grant.created_at),
      `, by ${grant.amr.join(", ") || "no device"}`,
    ),
  ),
  surely("End", "This session ends.", async () => {
    await at.api("DELETE", `${path}/grants/${encodeURIComponent(grant.grant_id)}`);
    at.again();
  }),
];

function lock(at: At, path: string, user: Row): HTMLElement {
  const to = async (status: "active" | "locked"): Promise<void> => {
    await at.api("PATCH", path, { status });
    at.again();
  };
  return user.status === "active"
    ? surely("Lock", "Nobody signs in as this user then, and all their sessions end.", () => to("locked"))
    : button("Unlock", () => to("active"));
}
