/** @jsxImportSource react */
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { encode } from "uqr";
import {
  CountersignError,
  createClient,
  type ErrorCode,
  type Prompt,
} from "../../packages/countersign/src/client.ts";
import { useApproval, useSession, useSignIn, Waiting } from "../../packages/countersign/src/react/react.ts";

const words = new URLSearchParams(location.search);
const client = createClient({ issuer: words.get("issuer") ?? "", clientId: words.get("client") ?? "" });

/** Every state that was rendered, in order. */
const states: string[] = [];
Object.assign(window, { states });
const note = (status: string) => {
  if (states.at(-1) !== status) states.push(status);
};

function SignIn({ at }: { readonly at?: string }) {
  const { state, start, cancel } = useSignIn(client);
  const kept = useSession(client);
  note(state.status);
  useEffect(() => {
    if (at !== undefined) start(at);
  }, [at, start]);
  const { reload } = kept;
  useEffect(() => {
    if (state.status === "signed_in") reload();
  }, [state.status, reload]);
  if (state.status === "waiting") return <Waiting prompt={state.prompt} onCancel={cancel} qr={encode} />;
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          start(String(new FormData(event.currentTarget).get("address")));
        }}
      >
        <label>
          Address <input name="address" />
        </label>
        <button type="submit">Sign in</button>
      </form>
      {state.status === "signed_in" && <p>Signed in as {state.session.claims?.sub}</p>}
      {state.status === "failed" && <p>Failed: {state.code}</p>}
      <p>Session: {kept.state.status}</p>
      <button type="button" onClick={() => void kept.signOut()}>
        Sign out
      </button>
    </>
  );
}

type Line = { readonly prompt?: Prompt; readonly code?: ErrorCode; readonly to?: string };

/** The shape that a backend streams: one JSON text a line. */
async function pay(signal: AbortSignal, onPrompt: (prompt: Prompt) => void, to: string): Promise<string> {
  const answer = await fetch(`/pay?to=${encodeURIComponent(to)}`, { method: "POST", signal });
  let rest = "";
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new CountersignError("network", "The backend hung up");
    const lines = `${rest}${value}`.split("\n");
    rest = lines.pop() ?? "";
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      if (line.prompt) onPrompt({ ...line.prompt, expiresAt: new Date(line.prompt.expiresAt) });
      if (line.code) throw new CountersignError(line.code, "It was not approved");
      if (line.to !== undefined) return line.to;
    }
  }
}

function Pay({ at }: { readonly at?: string }) {
  const { state, start, cancel } = useApproval({ start: pay });
  note(state.status);
  useEffect(() => {
    if (at !== undefined) start(at);
  }, [at, start]);
  if (state.status === "waiting") return <Waiting prompt={state.prompt} onCancel={cancel} />;
  return (
    <>
      <button type="button" onClick={() => start("Büro Müller")}>
        Pay
      </button>
      {state.status === "approved" && <p>Paid to {state.value}</p>}
      {state.status === "failed" && <p>Failed: {state.code}</p>}
    </>
  );
}

function App() {
  const [isThere, setThere] = useState(true);
  const at = words.get("at");
  const given = at === null ? {} : { at };
  return (
    <main>
      {isThere && (words.has("pay") ? <Pay {...given} /> : <SignIn {...given} />)}
      <button type="button" onClick={() => setThere(false)}>
        Leave
      </button>
    </main>
  );
}

createRoot(document.body.appendChild(document.createElement("div"))).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
