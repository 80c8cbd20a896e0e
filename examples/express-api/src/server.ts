import { createVerifier } from "countersign/verify";
import { claimsOf, requireAccessToken } from "countersign/verify/express";
import express from "express";

const { ISSUER = "", PORT = "3003", AUDIENCE = "example-cli-tool" } = process.env;

/** Takes tokens of this server, for this client. It holds the server's keys: make it once. */
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE });

const app = express();
app.disable("x-powered-by");

app.get("/me", requireAccessToken({ verifier }), (request, response) => {
  const { sub, acr, scope } = claimsOf(request);
  response.json({ user: sub, signed_in_by: acr, scope });
});

// Only for who approved on a phone of theirs: a code that was sent by mail is not enough.
app.get("/orders", requireAccessToken({ verifier, acr: "urn:signin:acr:device" }), (_request, response) => {
  response.json({ orders: [{ id: "4711", to: "Büro Müller", amount: "45.00 EUR" }] });
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`Call http://127.0.0.1:${PORT}/me with a token`));
