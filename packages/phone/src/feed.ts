import type { Listed, Standing, Watch } from "../../countersign/src/phone/phone.ts";
import type { App } from "./app.ts";

/** What waits for this device, as it was heard last. */
export class Feed {
  /** Undefined before the first answer. */
  latest: Listed | undefined;
  line: Standing = "away";
  readonly #watch: Watch;

  /** `changed` is called when something may have changed. */
  constructor({ phone }: App, changed: (feed: Feed) => void) {
    this.#watch = phone.watch({
      onPrompts: (listed) => {
        this.latest = listed;
      },
      onStanding: (line) => {
        this.line = line;
        changed(this);
      },
    });
  }

  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  stop(): void {
    this.#watch.stop();
  }
}
