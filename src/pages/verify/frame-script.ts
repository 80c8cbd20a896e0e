/**
 * The script of the framed form: Cotter's messages between the page and the site around it (Cotter §8.2). It hears one origin only,
 * and tells nothing to any other; the server has checked that the client allows that origin.
 */
export const FRAME_SCRIPT = `
(() => {
  const byId = (id) => document.getElementById(id);
  const { parent: site, form, type, method, start, check, again, sent, finish, secret, failed, invalid, ended, wait, waitWords } = byId("wiring").dataset;
  const state = byId("wiring").dataset.state || "";
  const error = byId("error");
  let config = {};
  let asked;
  let running;
  let socket;

  const say = (name, payload) => parent.postMessage(JSON.stringify({ callbackName: form + name, payload }), site);
  const button = byId("again");
  const label = button.textContent;
  let ticking;
  const pause = () => {
    let left = Number(wait) / 1000;
    clearInterval(ticking);
    const tick = () => {
      button.disabled = left > 0;
      button.textContent = left > 0 ? waitWords.replace("{seconds}", left) : label;
      if (left-- <= 0) clearInterval(ticking);
    };
    ticking = setInterval(tick, 1000);
    tick();
  };
  const show = (step) => {
    byId("note").hidden = true;
    for (const id of ["entry", "typing", "waiting", "finished"]) byId(id).hidden = id !== step;
    byId("others").hidden = step !== "typing" && step !== "waiting";
    error.textContent = "";
  };
  const complain = (text, at) => {
    const time = new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    error.textContent = (text || failed).replace("{time}", at ? time : "");
    byId("send").disabled = false;
  };
  // Nothing is to be typed any more: back to the address, with the reason.
  const end = (text) => {
    running = undefined;
    socket?.close();
    show("entry");
    complain(text);
  };
  const endIn = (mine, left) => {
    clearTimeout(mine.end);
    mine.end = setTimeout(() => running === mine && end(ended), left);
  };
  const call = async (path, body) => {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ secret, ...body }),
      });
      return await answer.json();
    } catch {
      return { error: failed };
    }
  };
  const wantsLink = () => (config.authenticationMethod ? config.authenticationMethod === "MAGIC_LINK" : method === "link");
  const chosenChannel = () => document.querySelector("input[name=channel]:checked").value;

  const release = (answer) => {
    running.message = "";
    clearTimeout(running.end);
    show("finished");
    say("ON_SUBMIT_AUTHORIZATION_CODE", {
      authorization_code: answer.authorization_code,
      challenge_id: answer.challenge_id,
      state,
      client_json: {},
    });
  };
  const listen = (mine, pause = 1000) => {
    socket = new WebSocket(mine.socket_uri, ["countersign.v1", "countersign.handle." + mine.handle]);
    socket.onmessage = async ({ data }) => {
      if (data === "pong" || JSON.parse(data).type !== "settled" || running !== mine) return;
      const answer = await call(finish, { id: mine.id });
      if (running !== mine) return;
      if (answer.error) end(answer.error);
      else release(answer);
    };
    socket.onclose = ({ code }) => {
      if (running === mine && code !== 1000) setTimeout(() => running === mine && listen(mine, Math.min(pause * 2, 15000)), pause);
    };
  };
  // The message goes by a queue: what became of it is known a little later.
  const follow = (mine, message) => {
    mine.message = message;
    const look = async () => {
      const isWanted = () => running === mine && mine.message === message;
      const { unsent } = isWanted() ? await call(sent, { id: mine.id, message }) : {};
      if (!unsent || !isWanted()) return;
      mine.message = "";
      error.textContent = unsent;
    };
    for (const seconds of [3, 10, 30, 70, 130, 250]) setTimeout(look, seconds * 1000);
  };
  const begin = async (payload) => {
    const answer = await call(start, {
      identifier: payload.identifier,
      method: wantsLink() ? "link" : "otp",
      channel: type === "PHONE" ? chosenChannel() : "email",
    });
    byId("send").disabled = false;
    if (answer.error) return complain(answer.error, answer.at);
    running = answer;
    endIn(answer, answer.left);
    follow(answer, answer.message);
    pause();
    for (const place of document.querySelectorAll("[data-address]")) place.textContent = payload.identifier;
    show(wantsLink() ? "waiting" : "typing");
    if (wantsLink()) listen(answer);
    else byId("code").focus();
  };

  byId("entry").addEventListener("submit", (event) => {
    event.preventDefault();
    const identifier = byId("identifier").value.trim();
    if (identifier === "") return complain(invalid);
    error.textContent = "";
    byId("send").disabled = true;
    asked = {
      identifier,
      identifier_type: type,
      device_type: "BROWSER",
      device_name: navigator.userAgent,
      auth_required: true,
    };
    say("ON_BEGIN", asked);
  });
  let checking = false;
  byId("typing").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (checking) return;
    checking = true;
    const mine = running;
    const answer = await call(check, { id: mine.id, code: byId("code").value });
    checking = false;
    if (running !== mine) return;
    if (answer.over) end(answer.error);
    else if (answer.error) {
      complain(answer.error, answer.at);
      byId("code").select();
    } else release(answer);
  });
  byId("code").addEventListener("input", () => {
    if (byId("code").value.replace(/[^\\p{Nd}]/gu, "").length === 6) byId("typing").requestSubmit();
  });
  button.addEventListener("click", async () => {
    const mine = running;
    button.disabled = true;
    const answer = await call(again, { id: mine.id });
    button.disabled = false;
    if (running !== mine) return;
    if (answer.over) return end(answer.error);
    error.textContent = "";
    if (answer.error) return complain(answer.error, answer.at);
    endIn(mine, answer.left);
    follow(mine, answer.message);
    byId("note").textContent = answer.said;
    byId("note").hidden = false;
    pause();
  });
  byId("other").addEventListener("click", () => {
    running = undefined;
    socket?.close();
    show("entry");
    byId("identifier").focus();
  });

  const ACTIONS = {
    CONFIG(payload) {
      config = payload || {};
      const field = byId("identifier");
      const given = config.skipIdentiferFormWithValue || config.identifierFieldInitialValue;
      if (typeof given === "string") field.value = given;
      field.readOnly = config.identifierFieldDisabled === true;
      if (typeof config.buttonText === "string" && config.buttonText !== "") byId("send").textContent = config.buttonText;
      const channels = Array.isArray(config.phoneChannels) ? config.phoneChannels : ["SMS"];
      const known = ["sms", "whatsapp"].filter((name) => channels.includes(name.toUpperCase()));
      for (const box of document.querySelectorAll("input[name=channel]")) box.checked = box.value === (known[0] || "sms");
      byId("channels").hidden = type !== "PHONE" || known.length < 2;
      if (config.skipIdentiferForm === true && field.value !== "") byId("entry").requestSubmit();
    },
    // Only what was typed here: the site may let it pass, not put another address in its place.
    CONTINUE_SUBMIT: (payload) => asked && begin({ ...payload, identifier: asked.identifier }),
    // The site's own words come beside the payload here.
    ON_ERROR: (payload, message) => complain(typeof message.errorMsg === "string" ? message.errorMsg : ""),
    // The site has its tokens; a word more would take their place.
    DONE_SUCCESS() {},
    DONE_ERROR(payload) {
      show("entry");
      complain(payload && typeof payload.errorMsg === "string" ? payload.errorMsg : "");
    },
    HANDLE_MAGIC_LINK_REDIRECT() {},
  };
  addEventListener("message", (event) => {
    if (event.source !== parent || event.origin !== site || typeof event.data !== "string") return;
    let message;
    try {
      message = JSON.parse(event.data);
    } catch {
      return;
    }
    if (Object.hasOwn(ACTIONS, message?.action)) ACTIONS[message.action](message.payload, message);
  });
  show("entry");
  say("FIRST_LOAD");
  say("LOADED");
})();
`;
