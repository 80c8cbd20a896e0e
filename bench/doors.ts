// How soon the one who waits at the LoginID and the Authsignal door has heard of an approval. Every figure is of this machine, now.
import { cpus } from "node:os";
import { authsignalRound } from "./authsignal.ts";
import type { Sample } from "./committed.ts";
import { report } from "./figures.ts";
import { loginidRound } from "./loginid.ts";
import { withSubject } from "./subject/place.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 300);
const WARM_UP = 30;

async function measure(name: string, bar: number, round: () => Promise<Sample>): Promise<boolean> {
  const samples: Sample[] = [];
  for (let index = 0; index < ROUNDS + WARM_UP; index++) {
    const sample = await round();
    if (index >= WARM_UP) samples.push(sample);
  }
  const line = (what: string, member: keyof Sample) =>
    report(
      `${name}: ${what}, to told`,
      samples.map((sample) => sample[member]),
    );
  line("sent", "sentToTold");
  const p50 = line("committed", "committedToTold");
  line("accepted", "acceptedToTold");
  console.log(`bar: median under ${bar} ms from committed to told: ${p50 < bar ? "held" : "MISSED"}\n`);
  return p50 < bar;
}

await withSubject(async (place) => {
  console.log(`\n${ROUNDS} approvals a row, ${cpus().length} cores of ${cpus()[0]?.model ?? "?"}\n`);
  const held = [
    await measure("LoginID, held wait", 10, await loginidRound(place)),
    await measure("Authsignal, held poll", 5, await authsignalRound(place, "poll")),
    await measure("Authsignal, QR socket", 5, await authsignalRound(place, "socket")),
  ];
  process.exitCode = held.every(Boolean) ? 0 : 1;
});
process.exit();
