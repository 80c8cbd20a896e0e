/** What a link or QR code of a service asks of a phone (docs/phone.md). */
export type PhoneLink =
  | { readonly kind: "scan"; readonly challengeId: string; readonly frame: string }
  | { readonly kind: "code"; readonly userCode: string }
  | { readonly kind: "add"; readonly ticket: string }
  | { readonly kind: "prompt"; readonly id: string };

/** Reads `<issuer>/phone#…`; undefined for everything else, so that a code of somebody else's leads nowhere. */
export function readLink(text: string, issuer: string): PhoneLink | undefined {
  const start = `${issuer}/phone#`;
  if (!text.startsWith(start)) return undefined;
  const [, name, value = ""] = /^(\w+)=([\w.~:-]{1,2048})$/.exec(text.slice(start.length)) ?? [];
  const [, challengeId = "", frame] = /^([\w-]{1,64})\.([\w-]{22,43})$/.exec(value) ?? [];
  if (name === "scan") return frame === undefined ? undefined : { kind: "scan", challengeId, frame };
  if (name === "code") return { kind: "code", userCode: value };
  if (name === "add") return { kind: "add", ticket: value };
  return name === "prompt" && /^[0-9a-f]{64}$/.test(value) ? { kind: "prompt", id: value } : undefined;
}
