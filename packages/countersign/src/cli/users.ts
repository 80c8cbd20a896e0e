import { ADMIN_HELP, ADMIN_OPTIONS, adminOf, type Body } from "./admin.ts";
import { type Command, textOf } from "./command.ts";
import { misused } from "./fault.ts";
import { sayJson, sayMembers } from "./print.ts";

export const createUserCommand: Command = {
  help: `countersign users create --email ADDRESS

Makes a user. One of --email, --phone and --username is needed.

  --email ADDRESS      an e-mail address
  --phone NUMBER       a phone number with + and country code
  --username NAME      a name
  --external-id ID     your own id for the user
  --verified           you have seen a proof of the names
${ADMIN_HELP}`,
  options: {
    ...ADMIN_OPTIONS,
    email: { type: "string" },
    phone: { type: "string" },
    username: { type: "string" },
    "external-id": { type: "string" },
    verified: { type: "boolean" },
  },
  async run({ values, signal }) {
    const names = {
      email: textOf(values, "email"),
      phone: textOf(values, "phone"),
      username: textOf(values, "username"),
    };
    if (Object.values(names).every((name) => name === undefined)) {
      throw misused("--email, --phone or --username is needed");
    }
    const request = {
      ...names,
      external_id: textOf(values, "external-id"),
      verified: values.verified === true,
    };
    const { body } = await adminOf(values, signal).call("POST", "/admin/users", request);
    if (values.json) {
      sayJson(body);
      return 0;
    }
    const { identifiers, ...rest } = body;
    const shown = ((identifiers ?? []) as Body[]).map(({ value, verified }) =>
      verified ? `${value} (verified)` : String(value),
    );
    sayMembers({ ...rest, names: shown });
    return 0;
  },
};
