import type { Instant } from "../../core/time.ts";

/** A sentence of ours; with `at` its `{time}` is that instant in the reader's own time. */
export type Said = { readonly text: string; readonly at?: Instant };

/** Where a sentence of the catalogue has its time. */
export const TIME = "{time}";

/** What is known of the reader's clock: their language, and the zone that the edge takes them to be in. */
export type Reader = { readonly locale: string; readonly zone?: string };

const PARTS = {
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
} as const;

/** An instant as the reader's clock shows it, with its zone, because that is a guess; UTC where there is none. */
export const timeText = (at: Instant, { locale, zone = "UTC" }: Reader): string =>
  new Intl.DateTimeFormat(locale, { ...PARTS, timeZone: zone, timeZoneName: "short" }).format(at);

/** The same for a page: its script writes it anew by the clock of the device. */
export const LocalTime = ({ at, reader }: { readonly at: Instant; readonly reader: Reader }) => (
  <time datetime={new Date(at).toISOString()}>{timeText(at, reader)}</time>
);

export const Sentence = ({ said, reader }: { readonly said: Said; readonly reader: Reader }) => {
  const [before = "", after = ""] = said.text.split(TIME);
  if (said.at === undefined) return <>{said.text}</>;
  return (
    <>
      {before}
      <LocalTime at={said.at} reader={reader} />
      {after}
    </>
  );
};
