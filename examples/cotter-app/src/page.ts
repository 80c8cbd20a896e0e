import Cotter, { CotterEnum } from "cotter";

declare const ISSUER: string;
declare const API_KEY_ID: string;

// The one line that moves the app. All else is as it was.
Object.assign(CotterEnum, {
  BackendURL: `${ISSUER}/api/v0`,
  JSURL: ISSUER,
  AssetURL: ISSUER,
  WorkerURL: ISSUER,
});

const cotter = new Cotter(API_KEY_ID);
const { email, oauth_token } = await cotter.signInWithOTP().showEmailForm();

document.getElementById("cotter-form-container")?.remove();
const said = document.getElementById("said");
// Your backend checks the access token, and never the page: docs/sdks/cotter.md.
if (said) said.textContent = `Signed in as ${email}, with a token for ${oauth_token?.expires_in} seconds.`;
