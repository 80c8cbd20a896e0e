import type { ChallengeId, DeviceId, SubjectKey } from "../core/ids.ts";
import type { Ended } from "../core/inbox/ending.ts";
import { withoutSignUp } from "../core/inbox/enrolment.ts";
import { EMPTY_INBOX, type InboxState } from "../core/inbox/state.ts";
import { openCell } from "./cell.ts";
import { NOT_WELCOME } from "./frames.ts";
import { idleAt, isPassing, promptsFrame, showsTheSame } from "./inbox-life.ts";
import { admit, hangUp, openSockets, tell } from "./sockets.ts";

const SOCKETS_PER_DEVICE = 8;

/** The state of one inbox as its object keeps it, and the sockets that are told when its prompts change. */
export type KeptInbox = {
  /** New members of the state have their beginnings in `EMPTY_INBOX`; unknown ones are carried along. */
  state(): InboxState;
  /** Commits once, only when the state changed. */
  keep(who: SubjectKey, next: InboxState): void;
  /** Keeps what an ending leaves, and hangs up on the device it is about, or on all; answers the challenges that it ended. */
  end(who: SubjectKey, ended: Ended, reason: string, device?: DeviceId): readonly ChallengeId[];
  /** Takes away what a sign-up has left that nobody finished. */
  endSignUp(): void;
  /** The upgrade of one device's socket; the path names the device. */
  admit(request: Request): Response;
  /** Hangs up on everybody and forgets everything. */
  wipe(): Promise<void>;
  /** Forgets everything, its alarm too. */
  forget(): Promise<void>;
};

/** Opens the inbox of the object that runs in `ctx`. */
export function openInbox(ctx: DurableObjectState): KeptInbox {
  const cell = openCell<InboxState>(ctx.storage, EMPTY_INBOX);
  const state = (): InboxState => cell.read() ?? EMPTY_INBOX;

  const keep = (who: SubjectKey, next: InboxState): void => {
    const before = state();
    if (next === before) return;
    const isNew = cell.read() === undefined;
    const now = Date.now();
    cell.write(next, () => {
      if (isNew && (isPassing(who) || next.signUp)) void ctx.storage.setAlarm(idleAt(next));
      return undefined;
    });
    if (showsTheSame(before, next, now)) return;
    for (const socket of openSockets(ctx)) tell(socket, [promptsFrame(next, now)]);
  };

  const hangUpOn = (reason: string, device?: DeviceId): void => {
    for (const socket of openSockets(ctx, device)) hangUp(socket, NOT_WELCOME, reason);
  };

  return {
    state,
    keep,
    end(who, { next, value }, reason, device) {
      keep(who, next);
      hangUpOn(reason, device);
      return value;
    },
    endSignUp: () => cell.write(withoutSignUp(state())),
    admit(request) {
      const tag = new URL(request.url).pathname.slice(1);
      const { answer, socket } = admit(ctx, request, { tag, cap: SOCKETS_PER_DEVICE });
      tell(socket, [promptsFrame(state(), Date.now())]);
      return answer;
    },
    async wipe() {
      hangUpOn("user removed");
      await cell.forget();
    },
    forget: () => cell.forget(),
  };
}
