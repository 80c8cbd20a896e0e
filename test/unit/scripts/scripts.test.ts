import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  holderOf,
  readServing,
  stateDirOf,
  takeFlag,
  takeState,
  withIssuerOf,
} from "../../../scripts/serve-plan.ts";

const root = resolve(import.meta.dirname, "../../..");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-scripts-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const wifi = {
  lo: [{ address: "127.0.0.1", family: "IPv4" as const, internal: true }],
  wlan0: [
    { address: "192.168.1.5", family: "IPv4" as const, internal: false },
    { address: "fe80::1", family: "IPv6" as const, internal: false },
  ],
};

describe("O7 where npm start listens", () => {
  test("on this machine alone, if nothing is said", () => {
    expect(readServing([], {}, wifi)).toMatchObject({
      ip: "127.0.0.1",
      port: 8787,
      origin: "http://127.0.0.1:8787",
      others: [],
      issuer: "http://127.0.0.1:8787",
      rest: [],
    });
  });
  test.each([[["--ip", "0.0.0.0"]], [["--ip=0.0.0.0"]], [["--ip", "127.0.0.1", "--ip", "0.0.0.0"]]])(
    "%j: on every address, and links name the one that a phone reaches",
    (args) => {
      expect(readServing([...args, "--var", "IP_LIMITS:on"], { PORT: "9000" }, wifi)).toMatchObject({
        ip: "0.0.0.0",
        port: 9000,
        origin: "http://127.0.0.1:9000",
        others: ["http://192.168.1.5:9000"],
        issuer: "http://192.168.1.5:9000",
        rest: ["--var", "IP_LIMITS:on"],
      });
    },
  );
  test("on one address of the network", () => {
    const serving = readServing(
      ["--ip", "192.168.1.5", "--port", "9001"],
      { ISSUER: "http://localhost:9001" },
      wifi,
    );
    expect(serving).toMatchObject({
      origin: "http://192.168.1.5:9001",
      others: ["http://192.168.1.5:9001"],
      issuer: "http://localhost:9001",
    });
  });
  test("under the ISSUER of .dev.vars, where the environment says none", () => {
    const file = "# a comment\nADMIN_TOKEN=x\nISSUER=https://dev.example\n";
    const issuerOf = (variables: Record<string, string>, devVars: string) =>
      readServing([], withIssuerOf(variables, devVars), wifi).issuer;
    expect(issuerOf({ PORT: "9000" }, file)).toBe("https://dev.example");
    expect(issuerOf({ ISSUER: "https://env.example" }, file)).toBe("https://env.example");
    for (const none of ["", "ISSUER=", "# ISSUER=https://dev.example"]) {
      expect(issuerOf({ PORT: "9000" }, none)).toBe("http://127.0.0.1:9000");
    }
  });
  test("by https, with everything that names it, when HTTPS is set", () => {
    expect(
      readServing(["--ip", "0.0.0.0", "--var", "IP_LIMITS:on"], { HTTPS: "1", PORT: "9000" }, wifi),
    ).toMatchObject({
      origin: "https://127.0.0.1:9000",
      others: ["https://192.168.1.5:9000"],
      issuer: "https://192.168.1.5:9000",
      rest: ["--local-protocol", "https", "--var", "IP_LIMITS:on"],
    });
    expect(readServing([], { HTTPS: "1" }, wifi).issuer).toBe("https://127.0.0.1:8787");
    expect(readServing([], { HTTPS: "" }, wifi)).toMatchObject({ issuer: "http://127.0.0.1:8787", rest: [] });
  });
  test("without a network the address is this machine's", () => {
    expect(readServing(["--ip", "0.0.0.0"], {}, {}).issuer).toBe("http://127.0.0.1:8787");
    // The contract's own way; some shells keep the machine's name there.
    expect(readServing([], { HOST: "0.0.0.0" }, wifi)).toEqual(readServing(["--ip", "0.0.0.0"], {}, wifi));
    expect(readServing(["--ip", "127.0.0.2"], { HOST: "0.0.0.0" }, wifi).ip).toBe("127.0.0.2");
    expect(readServing([], { HOST: "anas-laptop" }, wifi).ip).toBe("127.0.0.1");
  });
  test.each(["0", "65536", "x", "80.5"])("refuses the port %s", (PORT) => {
    expect(() => readServing([], { PORT }, {})).toThrow("not a port");
  });
  test("a flag is taken out wherever it stands", () => {
    expect(takeFlag(["--a", "1", "--ip", "x", "b", "--ip=y"], "ip")).toEqual({
      value: "y",
      rest: ["--a", "1", "b"],
    });
  });
});

describe("O3 whose state it is", () => {
  test("each port has a folder of its own, the first one's is the old one", () => {
    expect(stateDirOf({}, 8787)).toBe(join(root, ".wrangler/state"));
    expect(stateDirOf({}, 9000)).toBe(join(root, ".wrangler/state-9000"));
    expect(stateDirOf({ STATE_DIR: "/x/y" }, 9000)).toBe("/x/y");
  });

  /** Another process that lives as long as the test. */
  const other = () => spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" });
  const lock = (state: string, holder: object) => writeFileSync(`${state}.lock`, JSON.stringify(holder));
  async function listening(): Promise<{ server: Server; port: number }> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    return { server, port: typeof address === "object" && address ? address.port : 0 };
  }

  test("a state is one server's; it is free again when that has ended", async () => {
    const state = join(folder, "state");
    const child = other();
    lock(state, { pid: child.pid, port: 1, since: Date.now() });
    expect(await takeState(state, 9000)).toMatchObject({ pid: child.pid });
    child.kill("SIGKILL");
    await new Promise((done) => child.once("exit", done));
    const taken = await takeState(state, 9000);
    expect(taken).not.toHaveProperty("pid");
    expect(JSON.parse(readFileSync(`${state}.lock`, "utf8"))).toMatchObject({ pid: process.pid, port: 9000 });
    if ("release" in taken) taken.release();
    expect(existsSync(`${state}.lock`)).toBe(false);
  });

  test("a killed starter's server counts while it answers; another program with its process id does not", async () => {
    const state = join(folder, "state");
    const { server, port } = await listening();
    lock(state, { pid: 2 ** 22 + 1, port, since: 0 });
    expect(await holderOf(state)).toMatchObject({ port });
    await new Promise((done) => server.close(done));
    expect(await holderOf(state)).toBeUndefined();
    const child = other();
    lock(state, { pid: child.pid, port, since: 0 });
    expect(await holderOf(state)).toBeUndefined();
    child.kill("SIGKILL");
  });

  test("a lock that cannot be read is nobody's", async () => {
    writeFileSync(join(folder, "state.lock"), "{");
    expect(await holderOf(join(folder, "state"))).toBeUndefined();
  });

  test("O4 a reset under a running server is refused and removes nothing", async () => {
    const state = join(folder, "state");
    mkdirSync(state);
    const { server, port } = await listening();
    lock(state, { pid: process.pid, port, since: Date.now() });
    const reset = () =>
      spawn(process.execPath, [join(root, "scripts/reset.ts")], {
        env: { ...process.env, STATE_DIR: state },
      });
    const ended = async () => {
      const child = reset();
      let said = "";
      child.stderr.on("data", (chunk) => {
        said += chunk;
      });
      const code = await new Promise((done) => child.once("close", done));
      return { code, said };
    };
    const refused = await ended();
    expect(refused.code).toBe(1);
    expect(refused.said).toContain(`port ${port}. Stop it first.`);
    expect(existsSync(state)).toBe(true);
    await new Promise((done) => server.close(done));
    lock(state, { pid: 2 ** 22 + 1, port, since: Date.now() });
    expect((await ended()).code).toBe(0);
    expect(existsSync(state)).toBe(false);
    expect(existsSync(`${state}.lock`)).toBe(false);
  });
});

describe("O8 what is missing is said in one line", () => {
  /** As an old Node runs it: the version is what the scripts look at first. */
  const asOld = `data:text/javascript,${encodeURIComponent(
    'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })',
  )}`;
  const start = (...flags: string[]) => {
    const at = join(folder, "scripts");
    cpSync(join(root, "scripts/run.mjs"), join(at, "run.mjs"));
    return spawnSync(process.execPath, [...flags, join(at, "run.mjs"), "start"], { encoding: "utf8" });
  };
  const install = (...files: string[]) => {
    for (const file of files) {
      mkdirSync(join(folder, "node_modules", file, ".."), { recursive: true });
      writeFileSync(join(folder, "node_modules", file), "{}");
    }
  };

  test("without npm ci", () => {
    const { status, stderr } = start();
    expect([status, stderr]).toEqual([1, "The tools are not installed yet. Run: npm ci\n"]);
  });
  test("after --ignore-scripts on an old Node", () => {
    install("wrangler/package.json");
    const { status, stderr } = start("--import", asOld);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^This is Node 20\.20\.2, .*npm ci --ignore-scripts=false\n$/);
  });
  test("on an old Node that npm did not choose", () => {
    install("wrangler/package.json", "node/bin/node");
    expect(start("--import", asOld).stderr).toMatch(/^This is Node 20\.20\.2\. Start by npm .*\n$/);
  });
  test("the script gets its own arguments", () => {
    install("wrangler/package.json");
    mkdirSync(join(folder, "scripts"));
    writeFileSync(join(folder, "scripts/say.ts"), "console.log(process.argv.slice(1).join(' '));");
    cpSync(join(root, "scripts/run.mjs"), join(folder, "scripts/run.mjs"));
    const { stdout } = spawnSync(process.execPath, [join(folder, "scripts/run.mjs"), "say", "--a", "b"], {
      encoding: "utf8",
    });
    expect(stdout).toBe(`${join(folder, "scripts/say.ts")} --a b\n`);
  });
  test("every npm script says it", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [name, line] of Object.entries(scripts))
      expect(line, name).toMatch(/^node scripts\/run\.mjs( |$)/);
  });
  test("engines names no Node that a tool refuses", () => {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { engines?: { node?: string } }>;
    };
    const ours = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).engines.node as string;
    expect(packages[""]?.engines?.node).toBe(ours);
    const major = (range: string) =>
      Math.min(
        ...[...range.matchAll(/(?:^|\|\|)\s*(?:>=|\^|~|=)?\s*v?(\d+)/g)].map(([, text]) => Number(text)),
      );
    const lowest = major(ours);
    const strict = Object.entries(packages).filter(
      ([, { engines }]) => engines?.node && major(engines.node) > lowest,
    );
    expect(strict.map(([path]) => path)).toEqual([]);
  });
});
