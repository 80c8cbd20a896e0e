import { type Child, h } from "../../phone/src/dom.ts";
import { Refusal } from "./api.ts";
import {
  type At,
  button,
  exact,
  facts,
  field,
  form,
  heading,
  linkTo,
  listOf,
  mark,
  moment,
  pages,
  surely,
  type View,
} from "./parts.ts";
import type { Row } from "./row.ts";
import { shown } from "./shown.ts";

const nameOf = (user: Row): string => shown(user.identifiers[0]?.value ?? user.external_id ?? user.user_id);

const KINDS: Readonly<Record<string, string>> = { email: "e-mail", phone: "telephone", username: "username" };
const kindOf = ({ kind, verified }: Row): string =>
  `${KINDS[kind] ?? kind}, ${verified ? "proven" : "not proven"}`;

/** Whose name for the user it is: a text of an app may look like somebody's address. */
const ownNameOf = ({ external_id: name, external_id_client: client }: Row): string =>
  `${shown(name)}, the own name of ${client === null ? "the operator's apps" : `client ${client}`}`;

const marks = (user: Row): HTMLElement[] => [
  ...(user.realm === "main" ? [] : [mark(`realm ${user.realm}`)]),
  ...(user.status === "active" ? [] : [mark(user.status, "bad")]),
];

const line = (user: Row): Child => {
  const [first] = user.identifiers;
  return [
    h(
      "div",
      { class: "what" },
      h("a", { href: linkTo("users", user.user_id) }, nameOf(user)),
      h("p", { class: "soft" }, first === undefined ? "no address" : kindOf(first)),
      user.external_id === null ? undefined : h("p", { class: "soft" }, ownNameOf(user)),
      h("p", { class: "soft" }, user.user_id),
    ),
    h("div", { class: "tools" }, ...marks(user)),
  ];
};

/** What was looked for last: in no address, because the browser keeps those. */
let sought = "";

/** Forgets what was looked for. */
export const forgetSearch = (): void => {
  sought = "";
};

/** Users by a name of theirs, or page by page, and a form for a new one. */
export const users: View = async (at) => {
  if (at.id !== undefined) return await one(at, at.id);
  return [
    heading("Users"),
    search(at),
    ...(sought === "" ? await pages(at, "/admin/users", "users", line) : await found(at, sought)),
    h("h2", {}, "A new user"),
    newUser(at),
  ];
};

/** Users by one kind of name; none where the API says that it can be none. */
async function usersBy(at: At, member: string, name: string): Promise<readonly Row[]> {
  try {
    return (await at.api("GET", `/admin/users?${new URLSearchParams({ [member]: name })}`)).users;
  } catch (error) {
    if (error instanceof Refusal && error.status === 400) return [];
    throw error;
  }
}

/** An identifier is compared as its kind is, an app's own name byte for byte: both are asked, and told apart. */
async function found(at: At, name: string): Promise<readonly Child[]> {
  const [byAddress, byOwnName] = await Promise.all([
    usersBy(at, "identifier", name),
    usersBy(at, "external_id", name),
  ]);
  if (byAddress.length + byOwnName.length === 0) return [h("p", {}, "Nobody has this name.")];
  return [
    ...(byAddress.length === 0 ? [] : [h("h2", {}, "By an address or username"), listOf(byAddress, line)]),
    ...(byOwnName.length === 0 ? [] : [h("h2", {}, "By an app's own name"), listOf(byOwnName, line)]),
  ];
}

function search(at: At): HTMLElement {
  const input = exact({ type: "search" });
  input.value = sought;
  const hint = "An e-mail address, a telephone number, a username, or an app's own name";
  return form("Find", [field("Name", input, { hint, wide: true })], async () => {
    sought = input.value.trim();
    at.again();
  });
}

function newUser(at: At): HTMLElement {
  const inputs = {
    email: exact({ type: "email" }),
    phone: exact({ type: "tel" }),
    username: exact(),
    external_id: exact(),
    realm: exact({ maxlength: "128" }),
  };
  const verified = h("input", { type: "checkbox" });
  const parts = [
    field("E-mail address", inputs.email),
    field("Telephone number", inputs.phone, { hint: "With + and the country" }),
    field("Username", inputs.username),
    field("Your app's own name for them", inputs.external_id),
    field("Realm", inputs.realm, { hint: "Empty is main. It can never be changed" }),
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
    at.go(linkTo("users", user.user_id));
  });
}

async function one(at: At, id: string): Promise<readonly Child[]> {
  const path = `/admin/users/${encodeURIComponent(id)}`;
  const [user, { devices }] = await Promise.all([at.api("GET", path), at.api("GET", `${path}/devices`)]);
  return [
    heading(nameOf(user)),
    h("div", { class: "tools" }, ...marks(user)),
    facts({
      "User id": user.user_id,
      Realm: user.realm,
      ...(user.external_id === null ? {} : { "Own name": ownNameOf(user) }),
      Made: moment(user.created_at),
    }),
    h("p", {}, h("a", { href: linkTo("audit", undefined, { user_id: id }) }, "Audit trail of this user")),
    h("h2", {}, "Names"),
    listOf(user.identifiers, nameLine),
    h("h2", {}, "Devices"),
    listOf(devices, (device) => deviceLine(at, path, device)),
    h("h2", {}, "Sessions"),
    ...(await pages(at, `${path}/grants`, "grants", (grant) => grantLine(at, path, grant))),
    signOut(at, path, user),
    h("h2", {}, "Account"),
    lock(at, path, user),
    remove(at, path, user),
    erase(at, path, user),
  ];
}

const nameLine = (one: Row): Child => [
  h("div", { class: "what" }, h("strong", {}, shown(one.value)), h("p", { class: "soft" }, saidBy(one))),
  h("div", { class: "tools" }, mark(one.verified ? "proven" : "not proven")),
];

const saidBy = ({ kind, asserted_by: by, client_id: client, vouched_at: vouched }: Row): string =>
  `${KINDS[kind] ?? kind}, given by ${by}${client === null ? "" : ` through ${client}`}${vouched === null ? "" : ", vouched for by its backend"}`;

const deviceLine = (at: At, path: string, device: Row): Child => {
  const name = shown(device.name === "" ? device.kind : device.name);
  const copies = device.backed_up === null ? "" : device.backed_up ? ", backed up" : ", not backed up";
  return [
    h(
      "div",
      { class: "what" },
      h("strong", {}, name),
      h(
        "p",
        { class: "soft" },
        `${device.kind}${copies}, for ${device.client_id}, since `,
        moment(device.enrolled_at),
      ),
      h("p", { class: "soft" }, `key ${device.fingerprint}, id ${device.device_id}`),
    ),
    surely({
      label: "Remove",
      what: `${name}, key ${device.fingerprint}`,
      question: "it approves nothing more, and the sessions that it opened end.",
      act: async () => {
        await at.api("DELETE", `${path}/devices/${encodeURIComponent(device.device_id)}`);
        at.again("Removed.");
      },
    }),
  ];
};

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
    h("p", { class: "soft" }, `${grant.scope || "no scope"}, device ${grant.device_id ?? "none"}`),
  ),
  surely({
    label: "End",
    what: `session at ${grant.client_id}`,
    question: "the user has to sign in there again.",
    act: async () => {
      await at.api("DELETE", `${path}/grants/${encodeURIComponent(grant.grant_id)}`);
      at.again("Ended.");
    },
  }),
];

/** There without a session too: it also ends what is under way. */
const signOut = (at: At, path: string, user: Row): HTMLElement =>
  surely({
    label: "Sign out everywhere",
    what: nameOf(user),
    question: "all sessions end, and what is under way.",
    act: async () => {
      const told = await at.api("DELETE", `${path}/grants`);
      at.again(told?.accepted ? "Signed out of 50 sessions. The others end within a minute." : "Signed out.");
    },
  });

function lock(at: At, path: string, user: Row): HTMLElement {
  const to = async (status: "active" | "locked", said: string): Promise<void> => {
    await at.api("PATCH", path, { status });
    at.again(said);
  };
  return user.status === "active"
    ? surely({
        label: "Lock",
        what: nameOf(user),
        question: "nobody signs in as this user then, and all their sessions end.",
        act: () => to("locked", "Locked."),
      })
    : button("Unlock", () => to("active", "Unlocked."));
}

const remove = (at: At, path: string, user: Row): HTMLElement =>
  surely({
    label: "Delete the user",
    what: nameOf(user),
    question: "sessions, devices and names go for good. The audit trail keeps their addresses.",
    act: async () => {
      await at.api("DELETE", path);
      at.go(linkTo("users"));
    },
  });

const erase = (at: At, path: string, user: Row): HTMLElement =>
  surely({
    label: "Delete and erase",
    what: nameOf(user),
    question: "as above, and addresses, places and names go out of the audit trail too.",
    act: async () => {
      // A thousand rows a call.
      while ((await at.api("POST", `${path}/erasure`, {})).more);
      at.go(linkTo("users"));
    },
  });
