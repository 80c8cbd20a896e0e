// B1, small: how long after a phone's approval the waiting laptop has heard of it. Every figure is of this machine, now.
import { cpus } from "node:os";
import { numberOf, textOf } from "../scripts/demo/api.ts";
import {
  type App,
  answer,
  enrol,
  newestPrompt,
  type Person,
  registerApp,
  signUp,
} from "../scripts/demo/cast.ts";
import { type Device, makeDevice } from "../scripts/demo/device.ts";
import { openWaiter } from "../scripts/demo/waiter.ts";
import { HALF_TICK } from "./committed.ts";
import { report } from "./figures.ts";
import { withSubject } from "./subject/place.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 300);
const WARM_UP = 30;
/** The bar: median of committed to told, in milliseconds. */
const BAR = 5;

/** Milliseconds. `decidedToTold` is between two clocks of one machine of which one ticks whole milliseconds. */
type Sample = {
  readonly sentToTold: number;
  readonly decidedToTold: number;
  readonly answeredToTold: number;
};

async function round(app: App, person: Person, phone: Device): Promise<Sample> {
  const event = await app.api.read("/api/v0/event/create_pending", 200, {
    method: "POST",
    body: {
      client_user_id: person.userId,
      issuer: app.clientId,
      event: "LOGIN",
      timestamp: "0",
      method: "TRUSTED_DEVICE",
      location: "unknown",
    },
  });
  const waiter = openWaiter(textOf(event, "socket_uri"), String(numberOf(event, "ID")));
  await waiter.first;
  const prompt = await newestPrompt(app, person);
  const sent = performance.now();
  await answer(app, person, phone, prompt, true);
  const accepted = performance.now();
  const { state, at } = await waiter.settled;
  if (state !== "approved") throw new Error(`the waiter heard ${state}`);
  const decided = await app.api.read(`/api/v0/event/get/${numberOf(event, "ID")}`, 200);
  return {
    sentToTold: at - sent,
    decidedToTold: performance.timeOrigin + at - (Date.parse(textOf(decided, "UpdatedAt")) + HALF_TICK),
    answeredToTold: at - accepted,
  };
}

await withSubject(async ({ origin, adminToken }) => {
  const app = await registerApp(origin, adminToken, { starts_per_minute: 0 });
  const samples: Sample[] = [];
  for (let index = 0; index < ROUNDS + WARM_UP; index++) {
    // A user is asked five times a minute at most, so every round has its own.
    const person = await signUp(app);
    const phone = await makeDevice();
    await enrol(app, person, phone);
    const sample = await round(app, person, phone);
    if (index >= WARM_UP) samples.push(sample);
  }
  console.log(
    `\n${samples.length} sign-ins on workerd, ${cpus().length} cores of ${cpus()[0]?.model ?? "?"}\n`,
  );
  report(
    "approval sent by the phone, to told",
    samples.map((sample) => sample.sentToTold),
  );
  const p50 = report(
    "decision committed, to told",
    samples.map((sample) => sample.decidedToTold),
  );
  report(
    "the phone has its answer, to told",
    samples.map((sample) => sample.answeredToTold),
  );
  console.log(`\nbar: median under ${BAR} ms from committed to told: ${p50 < BAR ? "held" : "MISSED"}`);
  process.exitCode = p50 < BAR ? 0 : 1;
});
process.exit();
