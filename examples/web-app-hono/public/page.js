const get = (id) => document.getElementById(id);
const form = get("sign-in");

const TROUBLES = {
  denied: "You declined on your phone.",
  expired: "Nobody answered in time. Is the address right, and your phone set up?",
};

/** Each line of a body that is still coming in. */
async function* linesOf(body) {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    yield* lines;
  }
}

function show({ matchCode, expiresAt }) {
  get("number").textContent = matchCode.replace(/(...)(...)/, "$1 $2");
  get("waiting").dataset.until = expiresAt;
  tick();
}

function tick() {
  const seconds = Math.max(0, Math.floor((new Date(get("waiting").dataset.until) - Date.now()) / 1000));
  get("left").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Asks, and shows what comes. Throws the code of what went wrong. */
async function signIn(signal) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch("/sign-in", { method: "POST", body, signal });
  if (!answer.ok) throw new Error("refused");
  for await (const line of linesOf(answer.body)) {
    const { prompt, code, done } = JSON.parse(line);
    if (prompt) {
      show(prompt);
      if (get("waiting").hidden) {
        [form.hidden, get("waiting").hidden] = [true, false];
        get("waiting").focus();
      }
    }
    if (code) throw new Error(code);
    if (done) {
      const answer = await fetch("/sign-in/finish", { method: "POST" });
      // To its end: the page is loaded anew then, which would cut it.
      return await answer.text();
    }
  }
  throw new Error("network");
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  get("trouble").textContent = "";
  const control = new AbortController();
  get("cancel").onclick = () => control.abort();
  const clock = setInterval(tick, 1000);
  try {
    await signIn(control.signal);
    location.reload();
  } catch (error) {
    [form.hidden, get("waiting").hidden] = [false, true];
    form.elements.address.focus();
    if (!control.signal.aborted)
      get("trouble").textContent = TROUBLES[error.message] ?? "That did not work. Try again.";
  } finally {
    clearInterval(clock);
  }
});
