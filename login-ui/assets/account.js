// What script adds to the account pages. All but the making of a passkey works without it.

const form = document.getElementById("passkey-form");
const Credential = globalThis.PublicKeyCredential;

if (form && Credential?.parseCreationOptionsFromJSON && Credential.prototype.toJSON) {
  const field = form.elements.namedItem("credential");
  const status = document.getElementById("passkey-status");
  const words = { NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "exists" };
  let making = false;

  // The server begins nothing without a fresh proof; it asks for one when the page is loaded.
  const create = async () => {
    const answer = await fetch(form.dataset.options, { method: "POST", headers: { Accept: "application/json" } });
    if (answer.status === 403 || answer.status === 400) {
      location.reload();
      return;
    }
    if (!answer.ok) {
      throw new Error(`options: ${answer.status}`);
    }
    const publicKey = Credential.parseCreationOptionsFromJSON(await answer.json());
    const made = await navigator.credentials.create({ publicKey });
    field.value = JSON.stringify(made.toJSON());
    form.submit();
  };

  field.value = "";
  form.hidden = false;
  document.getElementById("passkey-absent").remove();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (making) {
      return;
    }
    making = true;
    status.textContent = "";
    try {
      await create();
    } catch (error) {
      status.textContent = status.dataset[words[error.name] ?? "failed"];
    }
    making = false;
  });
}

// Offers the time zone of the browser.
const suggest = document.getElementById("zone-suggest");
const zoneinfo = document.getElementById("zoneinfo");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (suggest && zoneinfo && zone && zoneinfo.value !== zone) {
  suggest.textContent = suggest.dataset.text.replace("{zone}", zone);
  suggest.hidden = false;
  suggest.addEventListener("click", () => {
    zoneinfo.value = zone;
    suggest.hidden = true;
    zoneinfo.focus();
  });
}

// A passkey that was removed here need not be offered any more.
const forget = document.getElementById("forget");
if (forget && Credential?.signalUnknownCredential) {
  Credential.signalUnknownCredential({ rpId: forget.dataset.rp, credentialId: forget.dataset.credential }).catch(() => {});
}
