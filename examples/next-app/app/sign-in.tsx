"use client";

import { createClient } from "countersign";
import { useSignIn, Waiting } from "countersign/react";
import { useEffect, useState } from "react";
import { encode } from "uqr";

const client = createClient({ issuer: process.env.ISSUER ?? "", clientId: process.env.CLIENT_ID ?? "" });

const TROUBLES: Readonly<Record<string, string>> = {
  denied: "You declined on your phone.",
  expired: "Nobody answered in time. Is the address right, and your phone set up?",
};

export function SignIn() {
  const { state, start, cancel } = useSignIn(client);

  if (state.status === "waiting") return <Waiting prompt={state.prompt} onCancel={cancel} qr={encode} />;
  if (state.status === "signed_in") return <Account />;
  return (
    <form id="sign-in" action={(form) => start(String(form.get("address")))}>
      <label>
        E-mail address <input name="address" type="email" autoComplete="username" required />
      </label>
      <button type="submit" disabled={state.status === "starting"}>
        Continue on my phone
      </button>
      {state.status === "failed" && (
        <p role="alert">{TROUBLES[state.code] ?? "That did not work. Try again."}</p>
      )}
    </form>
  );
}

/** What the API says of the user: `api/me` takes the access token. */
function Account() {
  const [user, setUser] = useState<string>();
  useEffect(() => {
    client
      .fetch("/api/me")
      .then((answer) => answer.json())
      .then(({ user }) => setUser(user));
  }, []);
  return <p role="status">{user === undefined ? "One moment…" : `Signed in as ${user}`}</p>;
}
