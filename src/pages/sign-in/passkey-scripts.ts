// Plain scripts as browsers get them, admitted by the answer's nonce: no build step stands between this text and the page.

/** Bytes as base64url and back, and a sentence that is shown from now on. */
const COMMON = `
const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const say = (id) => {
  for (const note of document.querySelectorAll("[data-said]")) note.hidden = note.id !== id;
  document.getElementById(id)?.setAttribute("role", "alert");
};
const send = (form, fields) => {
  for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
  form.submit();
};
`;

/**
 * Shows the button where the browser has passkeys. It asks for one when it is pressed, and before that offers one in the field's own list, if the
 * browser can. A page that has stood for too long is loaded anew: its challenge is not good any more.
 */
export const USE_PASSKEY_SCRIPT = `
(() => {
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential) return;${COMMON}
  const { rp, left, again } = form.dataset;
  const ends = Date.now() + Number(left);
  let asked;
  const ask = async (how) => {
    asked?.abort();
    const own = (asked = new AbortController());
    try {
      const { rawId, response } = await navigator.credentials.get({
        ...how,
        signal: own.signal,
        publicKey: {
          challenge: bytesOf(form.elements.challenge.value),
          rpId: rp,
          userVerification: "required",
          timeout: Math.max(1000, ends - Date.now()),
        },
      });
      if (Date.now() >= ends) return location.assign(again);
      send(form, {
        credential_id: textOf(rawId),
        client_data: textOf(response.clientDataJSON),
        authenticator_data: textOf(response.authenticatorData),
        signature: textOf(response.signature),
        user_handle: textOf(response.userHandle ?? new ArrayBuffer(0)),
      });
    } catch {
      if (own.signal.aborted || how.mediation) return;
      say("passkey-failed");
      offer();
    }
  };
  const offer = async () => {
    if (await PublicKeyCredential.isConditionalMediationAvailable?.()) await ask({ mediation: "conditional" });
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (Date.now() >= ends) location.assign(again);
    else ask({});
  });
  form.hidden = false;
  offer();
})();
`;

/** Makes a passkey when the button is pressed. Where the session is too old by then, the page is loaded anew, and asks for a sign-in. */
export const ADD_PASSKEY_SCRIPT = `
(() => {
  const form = document.getElementById("add");
  if (!form) return;${COMMON}
  if (!window.PublicKeyCredential) return say("unable");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const begun = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!begun.ok) return location.assign(form.dataset.again);
      const asked = await begun.json();
      const { rawId, response } = await navigator.credentials.create({
        publicKey: {
          ...asked,
          challenge: bytesOf(asked.challenge),
          user: { ...asked.user, id: bytesOf(asked.user.id) },
          excludeCredentials: asked.excludeCredentials.map((one) => ({ ...one, id: bytesOf(one.id) })),
        },
      });
      send(form, {
        challenge: asked.challenge,
        credential_id: textOf(rawId),
        client_data: textOf(response.clientDataJSON),
        attestation_data: textOf(response.attestationObject),
      });
    } catch (error) {
      button.disabled = false;
      say(error.name === "InvalidStateError" ? "twice" : "failed");
    }
  });
  form.hidden = false;
})();
`;
