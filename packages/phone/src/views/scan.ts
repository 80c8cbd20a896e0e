import type { Prompt } from "../../../countersign/src/phone/phone.ts";
import { type Refused, tried } from "../answers.ts";
import { type App, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { momentOf, put, words } from "../words.ts";
import { backLink, button, field, heading, note, onEnter, sayAt, type View } from "./parts.ts";
import { goneView } from "./prompt.ts";

const { list } = words;

type Found = (scanned: Prompt) => void;

/** A refusal that says something of the request itself. */
const isAbout = ({ status }: Refused): boolean => [403, 404, 409, 410].includes(status);

/** A QR code of a waiting screen, which the phone's own camera has opened (T96). */
export async function scanFrame(
  app: App,
  text: string,
  found: Found,
  show: (view: View) => void,
): Promise<void> {
  const scanned = await tried(app.phone.scan(`${app.config.issuer}/phone#scan=${text}`));
  if (scanned.ok) return found(scanned.value);
  if (!isAbout(scanned))
    return show({ title: words.home, body: [heading(words.home), note(troubleOf(scanned)), backLink()] });
  show(goneView(scanned.code));
}

/**
 * The code of a device without a browser. A link that brings one fills it in and does no more: each wrong code counts, and any page may lead here
 * (T94).
 */
export function codeView(app: App, given: string, found: Found): View {
  const code = field(
    "code",
    list.code,
    {
      type: "text",
      value: given,
      maxlength: 16,
      autocomplete: "off",
      autocapitalize: "characters",
      spellcheck: "false",
      class: "figures spelt",
    },
    list.codeHint,
  );
  const go = async () => {
    const typed = code.input.value.trim();
    if (typed === "") return sayAt(code, list.codeUnknown);
    const scanned = await tried(app.phone.enterCode(typed));
    if (scanned.ok) return found(scanned.value);
    const { until } = scanned.more;
    if (scanned.code === "code_locked")
      return sayAt(code, put(words.enrol.locked, { until: momentOf(String(until)) }));
    sayAt(code, isAbout(scanned) ? list.codeUnknown : troubleOf(scanned));
  };
  const press = button(list.codeGo, go, "primary");
  onEnter(code.input, press);
  return {
    title: list.codeTitle,
    body: [heading(list.codeTitle), code.place, press, h("div", {}, backLink())],
  };
}
