import type { Listed, Prompt, Standing } from "../../../countersign/src/phone/phone.ts";
import { h } from "../dom.ts";
import type { Feed } from "../feed.ts";
import { momentOf, put, timeOf, words } from "../words.ts";
import { visible } from "./details.ts";
import { heading, link, note, type View } from "./parts.ts";

const { list, camera } = words;

const LINES: Readonly<Record<Standing, string>> = { live: list.live, away: list.away, offline: list.offline };

/** What waits, and what was kept from the person; calm where nothing does. */
export function listView(feed: Feed, canScan: boolean): View {
  const listed = feed.latest;
  const count = listed?.prompts.length ?? 0;
  const title = !listed
    ? list.looking
    : count === 0
      ? list.title
      : count === 1
        ? list.one
        : put(list.waiting, { count });
  return {
    title,
    body: [
      heading(title),
      feed.line === "offline" ? note(words.offline, "warning") : undefined,
      listed && count === 0 ? h("p", { class: "lead" }, list.calm) : undefined,
      count === 0 ? undefined : h("ul", { class: "prompts" }, ...(listed?.prompts ?? []).map(item)),
      listed ? newsOf(listed) : undefined,
      h("p", { class: "others" }, link(list.code, "#code")),
      canScan
        ? h("p", { class: "others" }, link(camera.open, "#scan"))
        : h("p", { class: "hint" }, camera.outside),
      h("p", { class: `soft line ${feed.line}`, role: "status" }, LINES[feed.line]),
      listed ? h("p", { class: "soft" }, put(list.account, { account: visible(listed.account) })) : undefined,
    ],
  };
}

function item({ id, payload }: Prompt): HTMLElement {
  const what = `${visible(payload.client.name)} · ${timeOf(payload.shown.at * 1000)}`;
  const open = { class: "button", href: `#prompt=${id}`, "aria-label": `${list.open}: ${what}` };
  return h("li", {}, h("span", { class: "what" }, what), h("a", open, list.open));
}

const blockedOf = (count: number): string => (count === 1 ? list.blockedOne : put(list.blocked, { count }));

function newsOf({ blocked, silences, newDevices: added }: Listed): HTMLElement[] {
  return [
    ...added.map(({ name, enrolledAt: at }) =>
      h(
        "div",
        { class: "note warning", role: "status" },
        h("p", {}, put(list.added, { name: visible(name), when: momentOf(at) })),
        link(list.toDevices, "#devices", "button"),
      ),
    ),
    ...(blocked.count === 0 ? [] : [note(blockedOf(blocked.count), "warning")]),
    ...silences.map(({ client, until }) =>
      h("p", { class: "hint" }, put(list.silenced, { client: visible(client), until: momentOf(until) })),
    ),
  ];
}
