// Passkeys. Where the browser has none the page stays as it is, with its other ways.

const form = document.getElementById("passkey");
const button = document.getElementById("passkey-button");
const status = document.getElementById("passkey-status");
const Credential = globalThis.PublicKeyCredential;
const supported = Boolean(
  Credential?.parseRequestOptionsFromJSON && Credential.parseCreationOptionsFromJSON && Credential.prototype.toJSON,
);

// The wait for a passkey that the browser offers in the field for the name.
let waiting;

const say = (what) => {
  status.textContent = status.dataset[what] ?? "";
};

// The server makes options for one ceremony; those before them are void.
async function options() {
  const answer = await fetch(form.dataset.options, { method: "POST", headers: { Accept: "application/json" } });
  if (!answer.ok) {
    throw new Error(`options: ${answer.status}`);
  }
  return answer.json();
}

function send(credential) {
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.requestSubmit();
}

async function ask() {
  waiting?.abort();
  say("");
  try {
    const json = await options();
    const credential = "create" in form.dataset
      ? await navigator.credentials.create({ publicKey: Credential.parseCreationOptionsFromJSON(json) })
      : await navigator.credentials.get({ publicKey: Credential.parseRequestOptionsFromJSON(json) });
    send(credential);
  } catch (error) {
    const known = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };
    say(known[error.name] ?? "failed");
  }
}

// Offers passkeys in the field for the name. It says nothing when that fails.
async function offer() {
  if (!(await Credential.isConditionalMediationAvailable?.())) {
    return;
  }
  waiting = new AbortController();
  const { signal } = waiting;
  try {
    const json = await options();
    if (!signal.aborted) {
      send(await navigator.credentials.get({ mediation: "conditional", signal, publicKey: Credential.parseRequestOptionsFromJSON(json) }));
    }
  } catch {
    // The person does something else.
  }
}

if (supported) {
  for (const hidden of document.querySelectorAll("[data-passkey]")) {
    hidden.hidden = false;
  }
}

if (supported && form && button) {
  form.hidden = false;
  button.hidden = false;
  document.getElementById("passkey-absent")?.remove();
  button.addEventListener("click", ask);
  if ("conditional" in form.dataset) {
    offer();
  }
}

// A passkey that was deleted here need not be offered any more.
const gone = document.querySelector("[data-unknown-credential]");
if (gone && Credential?.signalUnknownCredential) {
  Credential.signalUnknownCredential({ rpId: gone.dataset.rpId, credentialId: gone.dataset.unknownCredential }).catch(() => {});
}
