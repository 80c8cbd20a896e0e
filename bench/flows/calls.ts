import type { Flow } from "../load/flow.ts";

/** As many starts of one user in a run as in `cotter`. */
const EACH = 3;

/** The requests of `cotter`, to a Worker that only makes their calls. */
export const calls: Flow = async (http, _place, rounds) => {
  const people = Math.ceil(rounds / EACH);
  return {
    async run(round) {
      const user = `user-${round % people}`;
      const { body: started } = await http.read(`/start/${user}`, 200, { json: { event: "LOGIN" } });
      if (!started.opened) throw new Error("not a new object");
      await http.read(`/prompt/${user}`, 200);
      await http.read(`/respond/${user}/${started.id}`, 200, { json: { code: "x".repeat(500) } });
      const { body } = await http.read(`/redeem/${user}/${started.id}`, 200);
      if (body.listed.some((changes: number) => changes === 0)) throw new Error("nothing was listed");
    },
  };
};
