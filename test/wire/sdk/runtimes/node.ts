import * as library from "../../../../packages/countersign/src/client.ts";
import type { Runtime } from "../play.ts";
import { carryOut } from "../program.ts";

/** This process, and the library's source. */
export const startNode = async (): Promise<Runtime> => ({
  name: "Node",
  carryOut: (order, events) => carryOut(library, order, events),
  stop: async () => {},
});
