import { ADMIN_HELP, ADMIN_OPTIONS, adminOf, type Body } from "./admin.ts";
import { type Command, listOf, needed, textOf } from "./command.ts";
import { misused } from "./fault.ts";
import { note, plain, say, sayJson, sayMembers } from "./print.ts";

const GRANTS: Readonly<Record<string, string>> = {
  device: "urn:ietf:params:oauth:grant-type:device_code",
  ciba: "urn:openid:params:grant-type:ciba",
  code: "authorization_code",
  refresh: "refresh_token",
};

const SECRETS = /secret$/;

function settingsOf(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw misused('--settings must be JSON, such as {"device_refresh_tokens":true}');
  }
}

export const createClientCommand: Command = {
  help: `countersign clients create --name NAME [--kind public|confidential]

Registers an app. Its secrets are shown once.

  --name NAME      what users see
  --kind KIND      public (no secret: a page, an app, a command line) or confidential (a backend). Default: confidential
  --id ID          the client id. Default: a UUID
  --grant GRANT    device, ciba, code, refresh, or a grant type's full name. May be repeated
  --redirect URI   where the sign-in pages may send users back. May be repeated
  --origin ORIGIN  which pages may call from a browser. May be repeated
  --settings JSON  settings, as docs/admin-api.md names them
${ADMIN_HELP}`,
  options: {
    ...ADMIN_OPTIONS,
    name: { type: "string" },
    kind: { type: "string" },
    id: { type: "string" },
    grant: { type: "string", multiple: true },
    redirect: { type: "string", multiple: true },
    origin: { type: "string", multiple: true },
    settings: { type: "string" },
  },
  async run({ values, signal }) {
    const kind = textOf(values, "kind") ?? "confidential";
    if (kind !== "public" && kind !== "confidential") throw misused("--kind must be public or confidential");
    const request = {
      name: needed(values, "name"),
      kind,
      client_id: textOf(values, "id"),
      grant_types: listOf(values, "grant")?.map((grant) => GRANTS[grant] ?? grant),
      redirect_uris: listOf(values, "redirect"),
      allowed_origins: listOf(values, "origin"),
      settings: settingsOf(textOf(values, "settings")),
    };
    const { body } = await adminOf(values, signal).call("POST", "/admin/clients", request);
    if (values.json) sayJson(body);
    else sayMembers(body);
    if (Object.keys(body).some((name) => SECRETS.test(name))) {
      note("The secrets are shown this once. Keep them now: the server cannot show them again.");
    }
    return 0;
  },
};

export const listClientsCommand: Command = {
  help: `countersign clients list

Lists the apps of a server.

${ADMIN_HELP}`,
  options: ADMIN_OPTIONS,
  async run({ values, signal }) {
    const admin = adminOf(values, signal);
    let after: unknown;
    do {
      const query = typeof after === "string" ? `?after=${encodeURIComponent(after)}` : "";
      const { body } = await admin.call("GET", `/admin/clients${query}`);
      for (const client of (body.clients ?? []) as Body[]) {
        if (values.json) sayJson(client);
        else say(lineOf(client));
      }
      after = body.next;
    } while (typeof after === "string");
    return 0;
  },
};

const lineOf = ({ client_id, kind, name, disabled }: Body): string =>
  plain(`${client_id}  ${kind}  ${name}${disabled ? "  (disabled)" : ""}`);
