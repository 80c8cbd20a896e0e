"use client";
/** @jsxImportSource react */

import { useEffect, useId, useRef, useSyncExternalStore } from "react";
import type { Prompt } from "../request.ts";
import { Qr, type QrEncoder } from "./qr.tsx";
import { clock, ENGLISH, grouped, spelt, type WaitingPart, type WaitingWords } from "./words.ts";

export type WaitingProps = {
  /** What the hook's state has while it is `waiting`. */
  readonly prompt: Prompt;
  readonly onCancel: () => void;
  /** Draws the QR code: `encode` of the package `uqr`, or one like it. Without it there is none. */
  readonly qr?: QrEncoder;
  readonly words?: Partial<WaitingWords>;
  readonly className?: string;
  readonly classNames?: Partial<Record<WaitingPart, string>>;
};

/**
 * What a person who waits needs to see: the number, the QR code, how long is left, and a way out. It has no style of its own: go by
 * `data-part`, `data-state` and the classes that you pass.
 */
export function Waiting({ prompt, onCancel, qr, words, className, classNames = {} }: WaitingProps) {
  const said = { ...ENGLISH, ...words };
  const root = useFocusThatWasLost();
  const part = (name: WaitingPart) => ({ "data-part": name, className: classNames[name] });
  const { state, matchCode, userCode, verificationUri, qrText, expiresAt } = prompt;
  return (
    <section
      ref={root}
      tabIndex={-1}
      aria-label={said.pending}
      className={className}
      data-countersign="waiting"
      data-state={state}
    >
      <p role="status" {...part("status")}>
        {said[state]}
      </p>
      {matchCode !== undefined && (
        <div {...part("match-code")}>
          <Code label={said.matchCode} code={matchCode} part={part} />
        </div>
      )}
      {userCode !== undefined && (
        <div {...part("user-code")}>
          <Code label={said.userCode} code={userCode} at={verificationUri} part={part} />
        </div>
      )}
      {qr !== undefined && qrText !== undefined && (
        <figure {...part("qr")}>
          <Qr text={qrText} encode={qr} title={said.qr} />
          <figcaption>{said.qr}</figcaption>
        </figure>
      )}
      <TimeLeft until={expiresAt} label={said.timeLeft} part={part} />
      <button type="button" onClick={onCancel} {...part("cancel")}>
        {said.cancel}
      </button>
    </section>
  );
}

type PartOf = (name: WaitingPart) => { readonly "data-part": string; readonly className: string | undefined };

const UNSEEN = {
  position: "absolute",
  width: 1,
  height: 1,
  overflow: "hidden",
  clipPath: "inset(50%)",
  whiteSpace: "nowrap",
} as const;

/** A code in groups for the eye, and letter by letter for who listens. */
function Code(props: {
  readonly label: string;
  readonly code: string;
  readonly at?: string | undefined;
  readonly part: PartOf;
}) {
  const { label, code, at, part } = props;
  const id = useId();
  return (
    <>
      <p id={id} {...part("label")}>
        {label}
        {at !== undefined && (
          <>
            {" "}
            <a href={at}>{at.replace(/^https?:\/\//, "")}</a>
          </>
        )}
      </p>
      <output aria-live="polite" aria-labelledby={id} {...part("code")}>
        <span aria-hidden="true">{grouped(code)}</span>
        <span style={UNSEEN}>{spelt(code)}</span>
      </output>
    </>
  );
}

const everySecond = (tell: () => void) => {
  const timer = setInterval(tell, 1000);
  return () => clearInterval(timer);
};
const thisSecond = () => Math.floor(Date.now() / 1000);
/** A server's clock is not the reader's: there is no time left in what it renders. */
const noSecond = () => undefined;

function TimeLeft({
  until,
  label,
  part,
}: {
  readonly until: Date;
  readonly label: string;
  readonly part: PartOf;
}) {
  const now = useSyncExternalStore<number | undefined>(everySecond, thisSecond, noSecond);
  if (now === undefined) return null;
  const left = Math.max(0, Math.floor(until.getTime() / 1000) - now);
  return (
    <p role="timer" {...part("time-left")}>
      {label}: <time dateTime={`PT${left}S`}>{clock(left)}</time>
    </p>
  );
}

/** Whoever pressed a button that is gone now stands nowhere: the focus moves here, so that it is read out. */
function useFocusThatWasLost() {
  const root = useRef<HTMLElement>(null);
  useEffect(() => {
    const { activeElement, body } = document;
    if (activeElement === null || activeElement === body) root.current?.focus({ preventScroll: true });
  }, []);
  return root;
}
