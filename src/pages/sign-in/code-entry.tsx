import type { Letters } from "../verify/again.tsx";
import { Code } from "../verify/code.tsx";
import type { Setting } from "../verify/frame.tsx";
import type { Said } from "../verify/time.tsx";
import type { FormProps } from "./parts.tsx";

export type CodeEntryProps = FormProps & {
  readonly setting: Setting;
  /** The address that the code went to. */
  readonly address: string;
  /** The address is a telephone number; e-mail when it is missing. */
  readonly phone?: boolean;
  /** Where the code goes, when not to `action`. */
  readonly submit?: string;
  /** Where another address may be given: a GET. */
  readonly restart: string;
  /** Milliseconds for which the code is good. The page asks for its own address when they are over, so it must be one of a GET. */
  readonly left: number;
  readonly letters: Letters;
  readonly error?: Said;
};

/**
 * The verification pages' code page, with hidden fields. The code is posted to `submit` as `code`; another letter is asked for at
 * `/again` below `action`, with the same hidden fields.
 */
export const CodeEntry = ({ phone = false, submit, ...props }: CodeEntryProps) => (
  <Code {...props} phone={phone} submit={submit ?? props.action} />
);
