import type { Outbox } from "../../core/ports/deliveries.ts";
import type { Chance, Clock } from "../../core/ports/edge.ts";
import type { Pushes } from "../../core/ports/pushes.ts";
import { wordsOf } from "../push-words.ts";

type Powers = { readonly clock: Clock; readonly chance: Pick<Chance, "uuid">; readonly issuer: string };

/**
 * Shows in the development outbox what wakes a device, under its endpoint or registration token. Native apps may subscribe without a service
 * account here. Sent it is only where the developer has set up who sends.
 */
export function outboxPushes(real: Pushes, outbox: Outbox, { clock, chance, issuer }: Powers): Pushes {
  return {
    publicKey: real.publicKey,
    faultOf: async (target) => ("fcm" in target ? undefined : await real.faultOf(target)),
    async send(target, note) {
      const { words, hash } = wordsOf(note);
      const text = `${words.title}. ${words.body}`;
      const to = "fcm" in target ? target.fcm : target.endpoint;
      const link = `${issuer}/phone${hash}`;
      await outbox.add({ id: chance.uuid(), channel: "push", to, text, link, at: clock.now() });
      const isSetUp = (await real.faultOf(target)) === undefined;
      return isSetUp ? await real.send(target, note) : { kind: "sent" };
    },
  };
}
